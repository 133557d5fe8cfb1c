import Cryptography
import Foundation
import TestSupport

/// Certificates of every kind that the server has to tell apart, made once by the `openssl` command
/// and removed when the tests end.
final class TestPKI: Sendable {
  static let shared = Result { try TestPKI() }

  private let workshop: Workshop

  private init() throws {
    workshop = try Workshop(untilExit: true)
    for name in ["shop-ca", "acquirer-ca", "stranger-ca"] { try makeAuthority(name) }
    try makeLeaf("server", "shop-ca", names: "DNS:localhost,IP:127.0.0.1", usage: "serverAuth")
    try makeLeaf("shop", "shop-ca", names: "URI:spiffe://shop.example/checkout")
    try makeLeaf("acquirer", "acquirer-ca", names: "URI:spiffe://bank.example/authorization")
    try makeLeaf("impostor", "shop-ca", names: "URI:spiffe://bank.example/authorization")
    try makeLeaf("nobody", "shop-ca", names: "URI:spiffe://nobody.example/x")
    try makeLeaf("nameless", "shop-ca", names: "DNS:shop.example")
    try makeLeaf(
      "several", "shop-ca",
      names: "URI:spiffe://shop.example/checkout,URI:spiffe://shop.example/revoked")
    try makeLeaf("revoked", "shop-ca", names: "URI:spiffe://shop.example/revoked")
    try makeLeaf(
      "usage", "shop-ca", names: "URI:spiffe://shop.example/usage", usage: "emailProtection")
    try makeLeaf("stranger", "stranger-ca", names: "URI:spiffe://shop.example/checkout")
    try makeAuthority("root-ca")
    try makeLeaf("issuing-ca", "root-ca", names: "DNS:none", extensions: Self.authority)
    try makeLeaf("tier", "issuing-ca", names: "URI:spiffe://tier.example/checkout")
    try workshop.join(["tier.pem", "issuing-ca.pem"], as: "tier-chain.pem")
    try workshop.join(["tier.key"], as: "tier-chain.key")
    for (name, algorithm) in Self.algorithms {
      try makeLeaf(
        name, "shop-ca", names: "URI:spiffe://shop.example/checkout", algorithm: algorithm)
    }
    let serial = try serialNumber(of: "revoked")
    try makeList("empty", revoked: nil, lastUpdate: "20200101000000Z", nextUpdate: farAway)
    try makeList("one", revoked: serial, lastUpdate: "20200101000000Z", nextUpdate: farAway)
    try makeList(
      "stale", revoked: nil, lastUpdate: "20200101000000Z", nextUpdate: "20210101000000Z")
  }

  private static let authority = """
    basicConstraints=critical,CA:TRUE
    keyUsage=critical,keyCertSign,cRLSign
    """

  /// Clients with keys of each kind, by their name.
  static let algorithms: [(name: String, arguments: [String])] = [
    ("rsa-2048", ["rsa:2048"]), ("rsa-4096", ["rsa:4096"]), ("ed25519", ["ed25519"]),
    ("p-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("p-521", ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]),
  ]

  /// The path of `name` in the directory.
  func path(_ name: String) -> String { workshop.path(name) }

  /// The content of the file `name`.
  func read(_ name: String) throws -> [UInt8] { try workshop.file(name) }

  /// Other certificates of `name`'s name and key by `authority`, as nobody can keep one from making.
  func crossSigned(
    _ name: String, by authority: String, count: Int
  ) throws -> [AuthorityCertificate] {
    try (0..<count).map { _ in
      let file = "crossed-\(UUID())"
      try openssl(
        "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"),
        "-CAkey", path("\(authority).key"), "-CAcreateserial", "-out", path(file),
        "-days", "3650", "-extfile", path("\(name).ext"))
      return try AuthorityCertificate.read(read(file))[0]
    }
  }

  private let farAway = "20990101000000Z"

  private func makeAuthority(_ name: String) throws {
    try openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-days", "3650",
      "-subj", "/CN=\(name)", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
  }

  private func makeLeaf(
    _ name: String, _ authority: String, names: String, usage: String = "clientAuth",
    extensions: String? = nil,
    algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
  ) throws {
    try workshop.openssl(
      ["req", "-newkey"] + algorithm + [
        "-nodes", "-keyout", path("\(name).key"), "-out", path("\(name).csr"),
        "-subj", "/CN=\(name)",
      ])
    let extensions =
      extensions ?? """
        basicConstraints=critical,CA:FALSE
        keyUsage=critical,digitalSignature
        extendedKeyUsage=\(usage)
        subjectAltName=\(names)
        """
    try workshop.write(extensions, to: "\(name).ext")
    try openssl(
      "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"),
      "-CAkey", path("\(authority).key"), "-CAcreateserial", "-out", path("\(name).pem"),
      "-days", "3650", "-extfile", path("\(name).ext"))
  }

  /// Makes a revocation list of `shop-ca`.
  private func makeList(
    _ name: String, revoked: String?, lastUpdate: String, nextUpdate: String
  ) throws {
    let index = revoked.map { "R\t990101000000Z\t200101000000Z\t\($0)\tunknown\t/CN=revoked\n" }
    try workshop.write(index ?? "", to: "\(name).index")
    try workshop.write("01\n", to: "\(name).number")
    let configuration = """
      [ca]
      default_ca=list
      [list]
      database=\(path("\(name).index"))
      crlnumber=\(path("\(name).number"))
      default_md=sha256
      """
    try workshop.write(configuration, to: "\(name).cnf")
    try openssl(
      "ca", "-config", path("\(name).cnf"), "-gencrl", "-cert", path("shop-ca.pem"),
      "-keyfile", path("shop-ca.key"), "-crl_lastupdate", lastUpdate,
      "-crl_nextupdate", nextUpdate, "-out", path("\(name).crl"))
  }

  private func serialNumber(of name: String) throws -> String {
    try openssl("x509", "-in", path("\(name).pem"), "-noout", "-serial", "-out", path("serial"))
    let line = String(decoding: try read("serial"), as: UTF8.self)
    return line.replacing("\n", with: "").replacing("serial=", with: "")
  }

  private func openssl(_ arguments: String...) throws { try workshop.openssl(arguments) }
}
