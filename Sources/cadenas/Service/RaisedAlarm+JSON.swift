import AuditLog
import JSON
import Ledgers

extension RaisedAlarm {
  /// What a webhook is told: names, as in the entry.
  ///
  /// - Parameter log: the name of the audit log, in which the entry has the member `seq`.
  func document(of log: String, atMilliseconds time: Int64) -> [UInt8] {
    JSONWriter.document { json in
      json.member("log", string: log)
      json.member("seq", integer: sequence)
      json.member("time", unixMilliseconds: time, precision: .milliseconds)
      json.member("rule", string: alarm.rule)
      json.member("count", integer: alarm.count)
      json.member("window_seconds", integer: alarm.windowSeconds)
      json.member("client", string: alarm.cause.actor.name)
      json.member("operation", string: alarm.cause.operation.rawValue)
      json.member("outcome", string: alarm.cause.outcome.rawValue)
      json.member("reason", string: alarm.cause.reason)
      json.member("merchant", string: alarm.cause.merchant)
      json.member("token", string: alarm.cause.token)
      json.member("key", string: alarm.cause.key)
      json.member("acquirer", string: alarm.cause.acquirer)
      json.member("request_id", string: alarm.cause.requestIdentifier)
    }
  }
}
