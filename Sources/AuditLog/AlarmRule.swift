/// What somebody is to be told of, in terms of entries of the audit log: one rule of the alarm file.
///
/// A rule that says nothing of a member takes every value of it. What it says of several members has
/// to hold for all of them.
package struct AlarmRule: Equatable, Sendable {
  /// What is counted apart: each client, merchant, acquirer or token of its own.
  package enum Subject: String, Sendable, CaseIterable {
    case client, merchant, acquirer, token
  }

  /// How many rules there may be: as many as a word has bits, see ``AlarmRuleSet``.
  package static let most = 64
  /// How long a window may be, in seconds: to a day.
  package static let allowedWindow: ClosedRange<UInt64> = 1...86_400
  /// How many entries a window may hold before there is an alarm.
  package static let allowedThreshold = 0...1_000_000

  /// What the alarm is called, in entries and metrics: 1 to 64 letters, digits, dots, hyphens,
  /// underscores.
  package let name: String
  /// The operations that it is about.
  package var operations: [AuditOperation]
  /// The outcomes.
  package var outcomes: [AuditOutcome]
  /// The reasons, whole.
  package var reasons: [String]
  /// Whether it is only about a client that names a honeytoken.
  package var honeytokens: Bool
  /// Whether it is only about entries that have a key.
  package var keys: Bool
  /// What is counted apart; nil counts all together.
  package var subject: Subject?
  /// How many entries of a window are no alarm.
  package var threshold: Int
  /// How long is counted, from a subject's first entry on, and until when the subject raises no second
  /// alarm; nil makes an alarm of each entry.
  package var windowSeconds: UInt64?

  /// Makes a rule.
  /// - Precondition: a rule with a threshold has a window.
  package init(
    name: String, operations: [AuditOperation] = [], outcomes: [AuditOutcome] = [],
    reasons: [String] = [], honeytokens: Bool = false, keys: Bool = false, subject: Subject? = nil,
    threshold: Int = 0, windowSeconds: UInt64? = nil
  ) {
    precondition(threshold == 0 || windowSeconds != nil, "a threshold counts within a window")
    self.name = name
    self.operations = operations
    self.outcomes = outcomes
    self.reasons = reasons
    self.honeytokens = honeytokens
    self.keys = keys
    self.subject = subject
    self.threshold = threshold
    self.windowSeconds = windowSeconds
  }
}

extension AlarmRule {
  /// The rules where the configuration names no file: what is never usual, and never comes often.
  package static let standard = [
    AlarmRule(name: "honeytoken", honeytokens: true),
    AlarmRule(
      name: "card-number-in-answer", operations: [.detokenize],
      reasons: [AuditReason.cardNumberInAnswer], subject: .acquirer, windowSeconds: 3_600),
    AlarmRule(
      name: "card-number-guesses", operations: [.tokenize],
      reasons: [AuditReason.sameDigits], subject: .client, windowSeconds: 3_600),
    AlarmRule(name: "clock-jumped", operations: [.clock], outcomes: [.jumped]),
    AlarmRule(
      name: "store-low", operations: [.storeRoom], outcomes: [.low], windowSeconds: 3_600),
    AlarmRule(
      name: "store-full", operations: [.storeRoom], outcomes: [.full], windowSeconds: 3_600),
    AlarmRule(name: "store-damaged", operations: [.storeVerify], outcomes: [.changed]),
    AlarmRule(name: "key-period", operations: [.keysPeriod]),
    AlarmRule(name: "certificate-ends", operations: [.certificate, .revocationList]),
    AlarmRule(
      name: "checkpoint-file", operations: [.checkpoint], outcomes: [.missing, .failed]),
    AlarmRule(name: "clock-unsynchronized", operations: [.clock], outcomes: [.unsynchronized]),
    AlarmRule(
      name: "reload-refused", operations: [.reload], outcomes: [.refused], windowSeconds: 3_600),
  ]
}
