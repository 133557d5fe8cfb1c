import ConfigurationReading
import Ledgers
import NIOSSL

/// A webhook that is told of alarms, ready to be connected to.
struct WebhookTarget: Sendable {
  let url: BaseURL
  let context: NIOSSLContext

  /// Reads the authority that the webhook is believed by.
  ///
  /// - Returns: nil after a mistake was reported.
  init?(_ notice: AlarmNotice, _ diagnostics: Diagnostics) {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.certificateVerification = .fullVerification
    configuration.applicationProtocols = ["http/1.1"]
    guard let authorities = try? NIOSSLCertificate.fromPEMFile(notice.caPath),
      !authorities.isEmpty
    else {
      diagnostics.report(
        Diagnostic(file: notice.caPath, line: nil, message: "holds no certificate in PEM"))
      return nil
    }
    configuration.trustRoots = .certificates(authorities)
    guard let context = try? NIOSSLContext(configuration: configuration) else {
      diagnostics.report(
        Diagnostic(file: notice.caPath, line: nil, message: "cannot be used for TLS"))
      return nil
    }
    url = notice.url
    self.context = context
  }

  /// The path that is asked for.
  var path: String { url.path.isEmpty ? "/" : url.path }

  /// `host`, with the port where that is not 443, for the header of that name and for people: the path may
  /// hold a secret.
  var authority: String {
    let host = url.host.contains(":") ? "[\(url.host)]" : url.host
    return url.port == 443 ? host : "\(host):\(url.port)"
  }
}
