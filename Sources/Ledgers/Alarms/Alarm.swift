package import AuditLog

/// What a rule made of entries: somebody should look.
package struct Alarm: Equatable, Sendable {
  /// The rule's name.
  package let rule: String
  /// How many entries were counted, the last of which is the cause.
  package let count: UInt64
  /// How long was counted; nil where each entry is an alarm.
  package let windowSeconds: UInt64?
  /// Whether the subject was counted together with others, for want of room.
  package let isOfManySubjects: Bool
  /// The entry that raised it.
  package let cause: AuditEntry

  /// The entry about the alarm. Its reason is made of words, and the client, which may be longer than
  /// what is left, stands last.
  package var entry: AuditEntry {
    var reason = "rule=\(rule) count=\(count)"
    if let windowSeconds { reason += " window=\(windowSeconds)s" }
    if isOfManySubjects { reason += " subject=others" }
    reason += " client=\(cause.actor.name)"
    return AuditEntry(
      actor: AuditActor(AuditActor.system.name, from: cause.actor.origin), operation: .alarm,
      merchant: cause.merchant, token: cause.token, key: cause.key, acquirer: cause.acquirer,
      paymentIdentifier: cause.paymentIdentifier, outcome: .raised,
      reason: reason, requestIdentifier: cause.requestIdentifier)
  }
}

/// An alarm whose entry is durable.
package struct RaisedAlarm: Equatable, Sendable {
  package let alarm: Alarm
  /// The sequence of its entry.
  package let sequence: UInt64

  /// An alarm and its entry.
  package init(alarm: Alarm, sequence: UInt64) {
    self.alarm = alarm
    self.sequence = sequence
  }
}

/// What the vault watches for, and whom it tells.
package struct AlarmWatch: Sendable {
  /// The rules at first; see ``Vault/update(alarms:)``.
  package var rules: [AlarmRule]
  /// Told each alarm once its entry is durable, on the writer's thread: it has to be quick.
  package var tell: @Sendable (RaisedAlarm) -> Void

  /// Watches by `rules`, and tells `tell`.
  package init(
    rules: [AlarmRule] = AlarmRule.standard,
    tell: @escaping @Sendable (RaisedAlarm) -> Void = { _ in }
  ) {
    self.rules = rules
    self.tell = tell
  }
}
