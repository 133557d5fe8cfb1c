import Cryptography
import Glibc
import TestSupport

extension ClientAuthorities {
  /// The authority's own verdict about a client, by whatever path leads to it.
  func judge(
    _ leaf: LeafCertificate, with intermediates: [AuthorityCertificate] = [], at now: Int64
  ) -> ClientVerdict {
    judge(leaf, paths(of: ClientChain(leaf: leaf, intermediates: intermediates)), at: now)
  }

  /// When the one list that there is has to be replaced.
  var nextUpdate: Int64? { lists.first?.nextUpdate }
}

extension Workshop {
  /// Makes the authority `name`: `name.pem` and `name.key`. `subject` is its common name.
  func makeAuthority(
    _ name: String, subject: String? = nil, extensions: String = authorityExtensions,
    algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
  ) throws {
    try write(Self.configuration + "[ext]\n" + extensions, to: "\(name).cnf")
    try openssl(
      ["req", "-x509", "-config", path("\(name).cnf"), "-extensions", "ext", "-days", "30"]
        + ["-nodes", "-newkey"] + algorithm
        + ["-subj", "/CN=\(subject ?? name)"]
        + ["-keyout", path("\(name).key"), "-out", path("\(name).pem")])
    try write("", to: "\(name).index")
    try write("", to: "\(name).index.attr")
  }

  static let curve = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

  static let authorityExtensions = """
    basicConstraints = critical, CA:TRUE
    keyUsage = critical, keyCertSign, cRLSign
    subjectKeyIdentifier = hash

    """

  /// Makes the authority `name` under `authority`, with what it needs to publish lists.
  func makeIntermediate(
    _ name: String, by authority: String, subject: String? = nil,
    extensions: String = authorityExtensions, serial: String = "0x2001", days: Int = 30,
    algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
  ) throws {
    try issue(
      name, by: authority, extensions: extensions, serial: serial, days: days,
      subject: subject.map { "/CN=\($0)" }, algorithm: algorithm)
    try write("", to: "\(name).index")
    try write("", to: "\(name).index.attr")
  }

  /// Issues the certificate `other` under `authority` for the key and name of `name`.
  func crossSign(_ name: String, by authority: String, as other: String) throws {
    try openssl(
      ["x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem")]
        + ["-CAkey", path("\(authority).key"), "-set_serial", "0x4001", "-days", "20"]
        + ["-extfile", path("\(name).cnf"), "-extensions", "ext", "-out", path("\(other).pem")])
  }

  /// Issues `name.pem` under `authority`.
  func issue(
    _ name: String, by authority: String, extensions: String, serial: String = "0x1001",
    days: Int = 10, digest: String = "-sha256", subject: String? = nil,
    algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
  ) throws {
    try write(Self.configuration + "[ext]\n" + extensions, to: "\(name).cnf")
    try openssl(
      ["req", "-new", "-config", path("\(name).cnf"), "-nodes", "-utf8", "-newkey"] + algorithm
        + ["-subj", subject ?? "/CN=\(name)"]
        + ["-keyout", path("\(name).key"), "-out", path("\(name).csr")])
    try openssl(
      ["x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem")]
        + ["-CAkey", path("\(authority).key"), "-set_serial", serial, "-days", "\(days)"]
        + (digest.isEmpty ? [] : [digest])
        + ["-extfile", path("\(name).cnf"), "-extensions", "ext", "-out", path("\(name).pem")])
  }

  /// Issues `name.pem` as a client's certificate with one SPIFFE URI, and reads it.
  func client(
    _ name: String, by authority: String, usage: String = "extendedKeyUsage = clientAuth",
    uris: [String] = ["spiffe://shop.example/checkout"], serial: String = "0x1001", days: Int = 10
  ) throws -> LeafCertificate {
    let names = uris.map { "URI:\($0)" }.joined(separator: ",")
    let alternativeName = names.isEmpty ? "" : "subjectAltName = \(names)\n"
    try issue(
      name, by: authority, extensions: alternativeName + usage + "\n", serial: serial, days: days)
    return try LeafCertificate(pem: file("\(name).pem"))
  }

  /// Writes `authority.crl` with the certificates `revoked`, good for `hours`.
  func makeRevocationList(
    by authority: String, revoking revoked: [String] = [], hours: Int = 24, extensions: String = "",
    as file: String? = nil
  ) throws {
    try writeListSettings(of: authority, extensions: extensions)
    for name in revoked {
      try openssl(
        ["ca", "-config", path("\(authority).ca.cnf"), "-revoke", path("\(name).pem")])
    }
    try openssl(
      ["ca", "-config", path("\(authority).ca.cnf"), "-gencrl", "-crlhours", "\(hours)"]
        + ["-out", path("\(file ?? authority).crl")])
  }

  /// Writes a list that names `entries` certificates that nobody has.
  func makeLongRevocationList(by authority: String, entries: Int) throws {
    let start = String(repeating: "7F", count: 16)
    let index = (0..<entries).map {
      "R\t990101000000Z\t200101000000Z\t\(start)\($0 + 10_000_000)\tunknown\t/CN=x\n"
    }
    try write(index.joined(), to: "\(authority).index")
    try makeRevocationList(by: authority)
  }

  /// Writes a list without entries, current in the time that is given.
  func makeRevocationList(
    by authority: String, from: String, to: String, as file: String? = nil
  ) throws {
    try writeListSettings(of: authority)
    try openssl(
      ["ca", "-config", path("\(authority).ca.cnf"), "-gencrl", "-crl_lastupdate", from]
        + ["-crl_nextupdate", to, "-out", path("\(file ?? authority).crl")])
  }

  /// What `openssl ca` is told of an authority that publishes lists.
  private func writeListSettings(of authority: String, extensions: String = "") throws {
    let settings = """
      [ca]
      default_ca = default
      [default]
      database = \(path("\(authority).index"))
      certificate = \(path("\(authority).pem"))
      private_key = \(path("\(authority).key"))
      default_md = sha256
      \(extensions.isEmpty ? "" : "crl_extensions = crl_ext")
      [crl_ext]
      \(extensions)

      """
    try write(settings, to: "\(authority).ca.cnf")
  }

  /// Turns `name` into DER with the openssl command `command`, as `name.der`.
  func convertToDER(_ name: String, command: String) throws {
    try openssl([command, "-in", path(name), "-outform", "DER", "-out", path("\(name).der")])
  }

  /// The authority `name` with the revocation list that was made last, if any is to be used.
  func authority(_ name: String, withRevocationList: Bool = false) throws -> ClientAuthorities {
    try authorities([name], lists: withRevocationList ? [name] : [])
  }

  /// The authorities of files, each `NAME.pem`, with the revocation lists of files, each `NAME.crl`.
  func authorities(_ names: [String], lists: [String] = []) throws -> ClientAuthorities {
    try ClientAuthorities(
      anchors: names.flatMap { try AuthorityCertificate.read(file("\($0).pem")) },
      lists: lists.flatMap { try RevocationList.read(file("\($0).crl")) })
  }

  /// The certificate of the authority `name`.
  func certificate(_ name: String) throws -> AuthorityCertificate {
    try AuthorityCertificate.read(file("\(name).pem"))[0]
  }

  private static let configuration = """
    [req]
    distinguished_name = dn
    prompt = no
    [dn]

    """
}
