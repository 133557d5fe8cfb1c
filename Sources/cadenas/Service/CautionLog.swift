import ConfigurationReading
import Logging
import SystemCalls

extension Logger {
  /// Says in a line each, in the words of `check`, which certificates and revocation lists have ended, or end
  /// soon, and which files of the configuration somebody else may change.
  func tellCautions(about configuration: ServiceConfiguration, _ parts: ServiceParts) {
    let ends = CertificateCheck(
      configuration: configuration, definitions: parts.definitions,
      nowSeconds: SystemClock.unixMilliseconds() / 1_000
    ).ends()
    tell(ends, "a certificate or revocation list needs attention")
    tell(FileCheck(configuration, parts).run(), "somebody else may change the configuration")
  }

  private func tell(_ findings: [Finding], _ message: Logger.Message) {
    for finding in findings where finding.severity != .ok {
      log(
        level: finding.severity == .error ? .error : .warning, message,
        metadata: ["reason": .whole(finding.text), "remedy": .whole(finding.remedy ?? "")])
    }
  }
}
