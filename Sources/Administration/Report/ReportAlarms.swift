internal import AuditLog
internal import JSON

/// An alarm as its entry tells it.
struct AlarmFact: Equatable {
  let timeMilliseconds: Int64
  let sequence: UInt64
  let rule: String
  /// How many entries it counts, and within how long.
  let count: String
  let window: String?
  let merchant: String?
  let token: String?
  let key: String?
  /// The client, or who it was that asked.
  let client: String?

  /// Reads an entry; nil where it is about no alarm.
  init?(_ logged: LoggedEntry) {
    guard logged.operation == .alarm, logged.actor == AuditActor.system.name else { return nil }
    let words = logged.reasons
    timeMilliseconds = logged.timeMilliseconds
    sequence = logged.sequence
    rule = words["rule"].map(String.init) ?? "-"
    count = words["count"].map(String.init) ?? "-"
    window = words["window"].map(String.init)
    merchant = logged.merchant
    token = logged.token
    key = logged.key
    client = words["client"].map(String.init)
  }
}

/// The section of a report about alarms.
struct ReportAlarms {
  let statistics: AuditStatistics

  func write(to html: inout HTMLWriter) {
    html.element("h2", "Alarms")
    html.table(
      [
        .code("When"), .number("Entry"), .text("Rule"), .number("Count"), .text("Within"),
        .text("Merchant"), .text("Token or key"), .text("Client"),
      ],
      statistics.alarms.map { alarm in
        [
          RFC3339.string(unixMilliseconds: alarm.timeMilliseconds, precision: .seconds),
          String(alarm.sequence), alarm.rule, alarm.count, alarm.window ?? "-",
          alarm.merchant ?? "-", alarm.token ?? alarm.key ?? "-", alarm.client ?? "-",
        ]
      }, empty: "No rule raised one.")
    if statistics.droppedAlarms > 0 {
      html.element(
        "p", "And \(statistics.droppedAlarms) more, see cadenas audit show --operation alarm.")
    }
  }
}
