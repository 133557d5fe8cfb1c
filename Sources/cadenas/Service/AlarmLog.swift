import AuditLog
import Ledgers
import Logging

extension Logger {
  /// Says in one line that there is an alarm.
  func warning(_ raised: RaisedAlarm) {
    let alarm = raised.alarm
    var metadata: Logger.Metadata = [
      "rule": "\(alarm.rule)", "count": "\(alarm.count)", "client": "\(alarm.cause.actor.name)",
      "operation": "\(alarm.cause.operation.rawValue)",
      "outcome": "\(alarm.cause.outcome.rawValue)",
      "seq": "\(raised.sequence)",
    ]
    if let seconds = alarm.windowSeconds { metadata["window"] = "\(seconds)s" }
    for (name, value) in [
      ("merchant", alarm.cause.merchant), ("token", alarm.cause.token), ("key", alarm.cause.key),
      ("acquirer", alarm.cause.acquirer), ("request_id", alarm.cause.requestIdentifier),
    ] {
      if let value { metadata[name] = "\(value)" }
    }
    warning("alarm", metadata: metadata)
  }
}
