import AcquirerGateway
import Bytes
import ConfigurationReading
import Cryptography
import VaultServer

/// Looks for certificates of `cadenas-dev pki` where cards are real: their authorities' private keys lie
/// beside them, in a directory like any other, and everybody knows how they are made.
struct DevelopmentCheck {
  /// The organization that development-pki.cnf gives its authorities.
  private static let organization = "O=Cadenas development"

  let parts: ServiceParts
  let isDevelopment: Bool

  init(_ configuration: ServiceConfiguration, _ parts: ServiceParts) {
    self.parts = parts
    isDevelopment = configuration.development
  }

  func run() -> [Finding] {
    guard !isDevelopment else { return [] }
    var findings: [Finding] = []
    for anchor in parts.authorities.all.anchors where Self.isDevelopment(anchor.der) {
      findings.append(
        Self.finding(
          "the clients' authority \(anchor.subject)",
          "whoever has its key can be any client of it, an acquirer too"))
    }
    if let certificate = parts.serverCertificate, Self.isDevelopment(certificate) {
      findings.append(
        Self.finding(
          "the server's certificate", "whoever has the key of its authority can be the vault"))
    }
    for connection in AcquirerRoutes.connections(of: parts.definitions) {
      if connection.authorities.contains(where: Self.isDevelopment) {
        findings.append(
          Self.finding(
            "the authority of the acquirer \(connection.acquirer)",
            "whoever has its key can be the acquirer, and is sent card numbers"))
      }
      if let shown = connection.chain.first, Self.isDevelopment(shown) {
        findings.append(
          Self.finding(
            "the certificate shown to the acquirer \(connection.acquirer)",
            "whoever has the key of its authority can be the vault there"))
      }
    }
    return findings
  }

  private static func isDevelopment(_ der: [UInt8]) -> Bool {
    guard let certificate = try? CertificateDescription(der: der.rawSpan) else { return false }
    return isDevelopment(certificate)
  }

  private static func isDevelopment(_ certificate: CertificateDescription) -> Bool {
    [certificate.subject, certificate.issuer].contains { $0.contains(organization) }
  }

  private static func finding(_ what: String, _ consequence: String) -> Finding {
    Finding(
      .error, .certificates, "\(what) is of cadenas-dev pki: \(consequence)",
      remedy: "use an authority of your own; that of cadenas-dev is for \"development: true\"")
  }
}
