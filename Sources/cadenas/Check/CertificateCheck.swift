import AccessPolicy
import Configuration
import Cryptography
import JSON

/// Looks at the ends of certificates and revocation lists.
struct CertificateCheck {
  private static let daySeconds: Int64 = 86_400
  /// A certificate that ends sooner than this deserves a warning.
  private static let certificateWarningSeconds = 30 * daySeconds
  /// A revocation list that ends sooner than this deserves a warning.
  private static let listWarningSeconds = daySeconds
  /// The largest file that is read.
  private static let mostBytes = 16 << 20

  let configuration: ServiceConfiguration
  /// Unix time.
  let nowSeconds: Int64

  func run() -> [Finding] {
    var findings = [
      certificate("the server's certificate", configuration.tls.certificatePath)
    ]
    for reference in configuration.policy(generation: 0).authorities.sorted(by: Self.byPath) {
      findings += authority(reference)
    }
    var seen: Set<String> = []
    for (name, settings) in configuration.push.sorted(by: { $0.key < $1.key }) {
      guard let tls = settings.tls else { continue }
      if seen.insert(tls.caPath).inserted {
        findings.append(certificate("the authority of the acquirer \(name)", tls.caPath))
      }
      if let path = tls.clientCertificate?.certificatePath, seen.insert(path).inserted {
        findings.append(certificate("the certificate shown to the acquirer \(name)", path))
      }
    }
    return findings
  }

  private static func byPath(_ one: AuthorityReference, _ other: AuthorityReference) -> Bool {
    (one.certificatePath, one.revocationListPath ?? "")
      < (other.certificatePath, other.revocationListPath ?? "")
  }

  private func certificate(_ what: String, _ path: String) -> Finding {
    do {
      let bytes = try ConfigurationFiles.read(path, maximumBytes: Self.mostBytes)
      let leaf = try LeafCertificate(pem: bytes)
      if leaf.notBefore > nowSeconds {
        return Finding(
          .error, .certificates, "\(what) (\(path)) is valid from \(Self.time(leaf.notBefore)) on",
          remedy: "set the clock, or wait, or use another certificate")
      }
      return ending(
        what, path, leaf.notAfter, warning: Self.certificateWarningSeconds,
        remedy: "replace it, and send the service SIGHUP")
    } catch let problem as ConfigurationFileProblem {
      return Finding(.error, .certificates, "\(path) \(problem.text)", remedy: "check the file")
    } catch {
      return Finding(
        .error, .certificates, "\(what) (\(path)) cannot be read as a certificate",
        remedy: "name a file in PEM")
    }
  }

  private func authority(_ reference: AuthorityReference) -> [Finding] {
    do {
      let authority = try ClientAuthority(
        certificatePEM: try ConfigurationFiles.read(
          reference.certificatePath, maximumBytes: Self.mostBytes),
        revocationListPEM: try reference.revocationListPath.map {
          try ConfigurationFiles.read($0, maximumBytes: Self.mostBytes)
        })
      var findings = [
        ending(
          "the clients' authority", reference.certificatePath, authority.notAfter,
          warning: Self.certificateWarningSeconds,
          remedy: "replace it, and send the service SIGHUP")
      ]
      if let path = reference.revocationListPath, let end = authority.revocationListNextUpdate {
        findings.append(
          ending(
            "the revocation list", path, end, warning: Self.listWarningSeconds,
            remedy: "fetch the next one, and send the service SIGHUP: past its end, every client "
              + "of its authority is refused"))
      }
      return findings
    } catch let problem as ConfigurationFileProblem {
      return [
        Finding(
          .error, .certificates, "\(reference.certificatePath) \(problem.text)",
          remedy: "check the file and its revocation list")
      ]
    } catch {
      return [
        Finding(
          .error, .certificates,
          "\(reference.certificatePath) cannot be used as a clients' authority (\(error))",
          remedy: "check the authority's certificate and its revocation list")
      ]
    }
  }

  private func ending(
    _ what: String, _ path: String, _ end: Int64, warning: Int64, remedy: String
  ) -> Finding {
    let text = "\(what) (\(path))"
    if end < nowSeconds {
      return Finding(.error, .certificates, "\(text) ended on \(Self.time(end))", remedy: remedy)
    }
    let isSoon = end - nowSeconds < warning
    return Finding(
      isSoon ? .warning : .ok, .certificates, "\(text) ends on \(Self.time(end))",
      remedy: isSoon ? remedy : nil)
  }

  private static func time(_ seconds: Int64) -> String {
    RFC3339.string(unixMilliseconds: seconds.multipliedReportingOverflow(by: 1_000).partialValue)
  }
}
