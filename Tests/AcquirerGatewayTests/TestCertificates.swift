import NIOSSL
import TestSupport
import Testing

@testable import AcquirerGateway

/// Authorities and certificates made by openssl(1), once for all tests of a process.
final class TestCertificates: Sendable {
  static let shared = Result { try TestCertificates() }

  private let workshop: Workshop

  private init() throws {
    workshop = try Workshop(untilExit: true)
    for authority in ["bank-ca", "other-ca"] {
      try certify(authority, by: nil, "basicConstraints=critical,CA:TRUE")
    }
    try certify("bank", by: "bank-ca", "subjectAltName=DNS:bank.example")
    try certify("address", by: "bank-ca", "subjectAltName=DNS:other.example,IP:127.0.0.1")
    try certify("impostor", by: "other-ca", "subjectAltName=DNS:bank.example")
    try certify("vault", by: "bank-ca", "extendedKeyUsage=clientAuth")
  }

  var directory: String { workshop.directory }

  func path(_ name: String) -> String { workshop.path(name) }

  /// The TLS of a server that shows `name`, and asks for a certificate of the bank's authority
  /// where it has to.
  func server(
    _ name: String, asksForCertificate: Bool, maximum: TLSVersion? = nil
  ) throws -> NIOSSLContext {
    let chain = try NIOSSLCertificate.fromPEMFile(path("\(name).pem"))
    let key = try NIOSSLPrivateKey(file: path("\(name).key"), format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.maximumTLSVersion = maximum
    if asksForCertificate {
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .file(path("bank-ca.pem"))
    }
    return try NIOSSLContext(configuration: configuration)
  }

  private func certify(_ name: String, by authority: String?, _ addition: String) throws {
    var arguments = ["req", "-new", "-x509", "-newkey", "ec", "-noenc", "-sha256"]
    arguments += ["-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2", "-subj", "/CN=\(name)"]
    arguments += ["-keyout", path("\(name).key"), "-out", path("\(name).pem")]
    arguments += ["-addext", addition]
    if let authority {
      arguments += ["-CA", path("\(authority).pem"), "-CAkey", path("\(authority).key")]
    }
    try workshop.openssl(arguments)
  }
}
