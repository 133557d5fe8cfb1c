import JSON
import NIOCore

/// What a run found out.
struct BenchReport {
  /// The client's share of its own threads' time beyond which the figures are its own.
  static let busyClient = 0.9
  /// What the machine has left, as a share, below which all processors are taken.
  static let fullMachine = 0.05
  /// Processors that others use beyond which a figure says more of them than of the server.
  static let noise = 0.25
  private static let percentiles: [(name: String, member: String, fraction: Double)] = [
    ("p50", "p50_us", 0.5), ("p90", "p90_us", 0.9), ("p99", "p99_us", 0.99),
    ("p99.9", "p999_us", 0.999),
  ]

  let plan: BenchPlan
  let tally: BenchTally
  /// How long it was measured, in seconds.
  let seconds: Double
  /// The processor time of the run.
  let processors: ProcessorTime
  /// How long nothing ran meanwhile.
  let standstill: Standstill

  /// Answers a second.
  var perSecond: Double { seconds > 0 ? Double(tally.answered) / seconds : 0 }

  /// How much of what its threads could use the client used, 0 to 1.
  var clientLoad: Double { processors.client / (seconds * Double(plan.threads)) }

  /// How much of the machine nobody used, 0 to 1.
  private var idle: Double { processors.total > 0 ? processors.idle / processors.total : 0 }

  /// Processors that neither client nor server used; nil where the server's are not known.
  private var others: Double? {
    processors.server.map {
      max(0, processors.total - processors.idle - processors.client - $0) / seconds
    }
  }

  /// Whether the figures are the client's rather than the server's, as the end of a sentence.
  var verdict: String {
    if clientLoad > Self.busyClient { return "the client is the bottleneck" }
    if let others, others > Self.noise {
      return "others are at work on this machine, and are measured too"
    }
    guard idle < Self.fullMachine else { return "not the bottleneck" }
    guard let server = processors.server else { return "the machine is full" }
    return server < processors.client
      ? "the machine is full, and the client takes more of it than the server"
      : "the machine is full, and the server takes more of it than the client"
  }

  /// For people.
  var table: String {
    let rate = plan.rate.map { ", \($0)/s wanted" } ?? ""
    let latencies = Self.percentiles.map {
      "\($0.name) \(Self.decimal(microseconds($0.fraction) / 1e3, digits: 2))"
    }
    let longest = Self.decimal(Double(tally.latency.longest) / 1e6, digits: 2)
    let statuses = tally.statuses.map { "\($0.status): \($0.count)" }.joined(separator: "  ")
    let server = processors.server.map {
      "server \(Self.decimal($0 / seconds, digits: 2)) processors, "
    }
    let others = others.map { "others \(Self.decimal($0, digits: 2)), " }
    let used = Self.decimal(processors.client / seconds, digits: 2)
    return """
      run       \(plan.operation.rawValue), \(plan.connections) connections, \
      \(Self.decimal(seconds, digits: 1)) s\(rate)
      requests  \(tally.answered), \(Self.decimal(perSecond, digits: 0))/s
      latency   \(latencies.joined(separator: "  "))  max \(longest)  (ms)
      answers   \(statuses.isEmpty ? "none" : statuses)
      faults    wrong \(tally.wrong)  lost \(tally.lost)  overdue \(tally.overdue)
      load      \(server ?? "")client \(used) on \(plan.threads) \
      thread\(plan.threads == 1 ? "" : "s"), \(others ?? "")idle \(Self.decimal(idle * 100, digits: 0)) %: \
      \(verdict)
      pauses    \(pauses)
      """
  }

  /// What share of the time the machine stood still, in thousandths.
  private var pausedMillis: Int {
    seconds > 0 ? Int((Double(standstill.total) / seconds / 1e6).rounded()) : 0
  }

  private var pauses: String {
    guard standstill.total > 0 else { return "none" }
    let longest = Self.decimal(Double(standstill.longest) / 1e6, digits: 1)
    let share = Self.decimal(Double(pausedMillis) / 10, digits: 1)
    return "the machine stood still for \(share) % of the time, \(longest) ms at the longest: "
      + "latencies hold that too"
  }

  /// For programs: whole numbers, durations in microseconds, processors in thousandths.
  var json: String {
    let json = JSONWriter.document { json in
      json.member("operation", string: plan.operation.rawValue)
      json.member("connections", integer: plan.connections)
      if let rate = plan.rate { json.member("rate", integer: rate) }
      json.member("milliseconds", integer: Int(seconds * 1e3))
      json.member("requests", integer: tally.answered)
      json.member("per_second", integer: Int(perSecond))
      for (_, member, fraction) in Self.percentiles {
        json.member(JSONName(member), integer: Int(microseconds(fraction)))
      }
      json.member("max_us", integer: Int(tally.latency.longest / 1000))
      json.member("failures", integer: tally.failures)
      json.member("overdue", integer: tally.overdue)
      json.member("client_millis", integer: Int(processors.client / seconds * 1e3))
      if let server = processors.server {
        json.member("server_millis", integer: Int(server / seconds * 1e3))
      }
      if let others { json.member("others_millis", integer: Int(others * 1e3)) }
      json.member("idle_percent", integer: Int(idle * 100))
      json.member("standstill_millis", integer: pausedMillis)
      json.member("standstill_max_us", integer: Int(standstill.longest / 1000))
      json.member("client_is_bottleneck", boolean: clientLoad > Self.busyClient)
    }
    return String(decoding: json, as: UTF8.self)
  }

  private func microseconds(_ fraction: Double) -> Double {
    Double(tally.latency.percentile(fraction)) / 1e3
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
