import ConfigurationReading
import SystemCalls

/// Looks for the sign that something keeps this host's clock right.
struct ClockCheck {
  let configuration: ServiceConfiguration
  /// Unix time.
  let nowSeconds: Int64

  /// Nothing where the configuration says not to look, which is a caution of its own.
  func run() -> [Finding] {
    guard let path = configuration.clock.synchronizedPath else { return [] }
    let within = configuration.clock.withinSeconds
    let remedy =
      "run a time service, and name the file that it touches as clock.synchronized (\"none\" where there "
      + "is none)"
    switch ClockSign(path, within: within, atSeconds: nowSeconds) {
    case .fresh(let age):
      return [Finding(.ok, .host, "the clock was set right \(age) seconds ago (\(path))")]
    case .stale(let age):
      return [
        Finding(
          .warning, .host,
          "the clock is not synchronized: \(path) was touched \(age) seconds ago, and \(within) are "
            + "allowed (clock.within)", remedy: remedy)
      ]
    case .missing:
      return [
        Finding(
          .warning, .host, "the clock is not synchronized: there is no \(path)", remedy: remedy)
      ]
    case .unseen(let errno):
      return [
        .unseen(
          .host,
          "whether the clock is synchronized was not seen: \(path) cannot be looked at "
            + "(\(systemMessage(errno)))", remedy: remedy)
      ]
    }
  }
}
