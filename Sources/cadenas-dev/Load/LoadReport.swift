import JSON
import NIOCore

/// What a load run found out.
struct LoadReport {
  private static let percentiles: [(name: String, fraction: Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999),
  ]

  let plan: LoadPlan
  let tally: LoadTally
  /// What this process used while it measured.
  let processorSeconds: Double

  private var seconds: Double { Double(plan.measured.nanoseconds) / 1e9 }

  /// Answers a second.
  var perSecond: Double { Double(tally.latency.total) / seconds }

  /// How much of what its threads could use the client used, 0 to 1.
  var clientLoad: Double { processorSeconds / (seconds * Double(plan.threads)) }

  /// For people.
  var table: String {
    let rate = plan.rate.map { ", \($0)/s wanted" } ?? ""
    let latencies = Self.percentiles.map { "\($0.name) \(milliseconds($0.fraction))" }
    let longest = Self.decimal(Double(tally.latency.longest) / 1e6, digits: 2)
    let statuses = tally.statuses.map { "\($0.status): \($0.count)" }.joined(separator: "  ")
    let share = Self.decimal(clientLoad * 100, digits: 0)
    let verdict = clientLoad > 0.9 ? "the client is the bottleneck" : "not the bottleneck"
    return """
      load      \(plan.operation.rawValue), \(plan.cards.rawValue) cards, \
      \(plan.connections) connections, \(Self.decimal(seconds, digits: 0)) s\(rate)
      requests  \(tally.latency.total), \(Self.decimal(perSecond, digits: 0))/s
      latency   \(latencies.joined(separator: "  "))  max \(longest)  (ms)
      answers   \(statuses.isEmpty ? "none" : statuses)
      lost      \(tally.lost)
      client    \(share) % of \(plan.threads) thread\(plan.threads == 1 ? "" : "s"): \(verdict)
      """
  }

  /// For programs: `{"requests","per_second","p50_ms",…,"max_ms","failures","client_load"}`, figures
  /// with a fraction as text.
  var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.member("requests", integer: tally.latency.total)
    json.member("per_second", integer: Int(perSecond))
    for (name, fraction) in Self.percentiles {
      json.member("\(name)_ms", string: milliseconds(fraction))
    }
    json.member("max_ms", string: Self.decimal(Double(tally.latency.longest) / 1e6, digits: 2))
    json.member("failures", integer: tally.failures)
    json.member("client_load", string: Self.decimal(clientLoad, digits: 2))
    json.endObject()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private func milliseconds(_ fraction: Double) -> String {
    Self.decimal(Double(tally.latency.percentile(fraction)) / 1e6, digits: 2)
  }

  /// `value` with a fixed number of digits after the point.
  static func decimal(_ value: Double, digits: Int) -> String {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return "\(scaled)" }
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(scaled / scale).\(zeros)\(fraction)"
  }
}
