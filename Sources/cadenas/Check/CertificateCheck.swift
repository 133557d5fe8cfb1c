import AcquirerGateway
import ConfigurationReading
import Cryptography
import JSON

/// Looks at certificates and revocation lists: when they end, and what else is to be seen of them.
struct CertificateCheck {
  private static let mostBytes = 16 << 20

  private let configuration: ServiceConfiguration
  private let definitions: [AcquirerDefinition]
  private let endCheck: EndCheck
  private let authorities: AuthorityCheck?

  /// - Parameters:
  ///   - definitions: the acquirers, as their templates say them; none where these have mistakes.
  ///   - nowSeconds: Unix time.
  init(
    configuration: ServiceConfiguration, definitions: [AcquirerDefinition], nowSeconds: Int64
  ) {
    self.configuration = configuration
    self.definitions = definitions
    endCheck = EndCheck(nowSeconds: nowSeconds)
    authorities = AuthorityCheck(configuration)
  }

  func run() -> [Finding] { ends() + (authorities?.run() ?? []) }

  /// When each ends, the vault's own certificate first: what a service says at its start too.
  func ends() -> [Finding] {
    var findings = certificates("the server's certificate", configuration.tls.certificatePath)
    findings += authorities?.ends(endCheck) ?? []
    var seen: Set<String> = []
    for (name, settings) in configuration.push.sorted(by: { $0.key < $1.key }) {
      let template = definitions.first { $0.name == name }?.template
      guard let tls = settings.tls ?? template?.tls else { continue }
      if seen.insert(tls.caPath).inserted {
        findings += certificates("the authority of the acquirer \(name)", tls.caPath)
      }
      if let path = tls.clientCertificate?.certificatePath, seen.insert(path).inserted {
        findings += certificates("the certificate shown to the acquirer \(name)", path)
      }
    }
    return findings
  }

  /// When each certificate of a file ends.
  private func certificates(_ what: String, _ path: String) -> [Finding] {
    do {
      let bytes = try ConfigurationFiles.read(path, maximumBytes: Self.mostBytes)
      let all = try CertificateDescription.read(pem: bytes)
      return all.map { finding(what, path, $0, isOneOfSeveral: all.count > 1) }
    } catch let problem as ConfigurationFileProblem {
      return [Finding(.error, .certificates, "\(path) \(problem.text)", remedy: "check the file")]
    } catch {
      return [
        Finding(
          .error, .certificates, "\(what) (\(path)) cannot be read as a certificate",
          remedy: "name a file in PEM")
      ]
    }
  }

  private func finding(
    _ what: String, _ path: String, _ certificate: CertificateDescription, isOneOfSeveral: Bool
  ) -> Finding {
    let name = isOneOfSeveral ? certificate.subject : nil
    if certificate.notBefore > endCheck.nowSeconds {
      return Finding(
        .error, .certificates,
        "\(what) \(name.map { "\($0) " } ?? "")(\(path)) is valid from "
          + "\(EndCheck.time(certificate.notBefore)) on",
        remedy: "set the clock, or wait, or use another certificate")
    }
    return endCheck.finding(
      what, path, named: name, certificate.notAfter,
      warningSeconds: EndCheck.certificateWarningSeconds,
      remedy: "replace it, and send the service SIGHUP")
  }
}

/// Says when a certificate or a revocation list ends.
struct EndCheck {
  private static let daySeconds: Int64 = 86_400
  /// A certificate that ends sooner than this deserves a warning.
  static let certificateWarningSeconds = 30 * daySeconds
  /// A revocation list that ends sooner than this deserves a warning.
  static let listWarningSeconds = daySeconds

  /// Unix time.
  let nowSeconds: Int64

  /// - Parameter name: which one it is, where a file can hold several.
  func finding(
    _ what: String, _ path: String, named name: String? = nil, _ end: Int64,
    warningSeconds: Int64, remedy: String
  ) -> Finding {
    let text = "\(what) \(name.map { "\($0) " } ?? "")(\(path))"
    if end < nowSeconds {
      return Finding(.error, .certificates, "\(text) ended on \(Self.time(end))", remedy: remedy)
    }
    let isSoon = end - nowSeconds < warningSeconds
    return Finding(
      isSoon ? .warning : .ok, .certificates, "\(text) ends on \(Self.time(end))",
      remedy: isSoon ? remedy : nil)
  }

  /// In RFC 3339.
  static func time(_ seconds: Int64) -> String {
    RFC3339.string(unixMilliseconds: seconds.multipliedReportingOverflow(by: 1_000).partialValue)
  }
}
