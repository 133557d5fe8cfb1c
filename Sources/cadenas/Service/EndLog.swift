import ConfigurationReading
import Logging
import SystemCalls

extension Logger {
  /// Says in a line each which certificates and revocation lists have ended, or end soon, in the words of
  /// `check`.
  func tellEnds(of configuration: ServiceConfiguration) {
    let check = CertificateCheck(
      configuration: configuration, nowSeconds: SystemClock.unixMilliseconds() / 1_000)
    for finding in check.ends() where finding.severity != .ok {
      log(
        level: finding.severity == .error ? .error : .warning,
        "a certificate or revocation list needs attention",
        metadata: ["reason": .whole(finding.text), "remedy": .whole(finding.remedy ?? "")])
    }
  }
}
