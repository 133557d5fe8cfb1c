internal import AuditLog

/// Who did what, as far as requirements of a standard ask how often: exact, whatever else is bounded.
struct AccessCounts {
  /// Clients and users that are told apart; past that, there are more.
  static let mostActors = AuditStatistics.mostNames
  /// How entries name users.
  private static let userPrefix = "user:"

  private(set) var clients: Set<String> = []
  private(set) var users: Set<String> = []
  /// Entries about what users asked for, whatever became of it.
  private(set) var ofUsers: UInt64 = 0
  /// Looks at the log and what proves it.
  private(set) var looksAtLog: UInt64 = 0
  /// Cards that left, or may have.
  private(set) var usesOfCards: UInt64 = 0
  /// Payments that were certainly not sent.
  private(set) var notSent: UInt64 = 0
  /// What clients asked for that their policy does not permit, and users that their roles do not.
  private(set) var notPermitted: UInt64 = 0
  /// Refusals of which only the number is known, of clients and of users.
  private(set) var onlyCounted: UInt64 = 0
  /// Every refusal, those included.
  private(set) var refused: UInt64 = 0
  private(set) var starts: UInt64 = 0
  private(set) var stops: UInt64 = 0
  /// Starts after which another start came, and no stop between.
  private(set) var endsWithoutStop: UInt64 = 0
  private var runs = false

  private static let lookingAtLog: Set<AuditOperation> = [
    .auditShow, .auditVerify, .auditReport, .auditCheckpoint, .auditProve, .auditExport,
  ]
  private static let notPermittedReasons: Set<String> = [
    "operation-not-permitted", "acquirer-not-permitted", "not-permitted",
  ]

  mutating func add(_ entry: LoggedEntry) {
    note(actor: entry)
    if entry.usesCard { usesOfCards += 1 }
    if entry.operation == .detokenize, entry.outcome == .notSent { notSent += 1 }
    noteRefusal(entry)
    guard entry.operation == .serve else { return }
    switch entry.outcome {
    case .started:
      starts += 1
      if runs { endsWithoutStop += 1 }
      runs = true
    case .stopped:
      stops += 1
      runs = false
    default: break
    }
  }

  private mutating func note(actor entry: LoggedEntry) {
    guard entry.actor != AuditActor.system.name else { return }
    guard entry.actor.hasPrefix(Self.userPrefix) else {
      if clients.count < Self.mostActors { clients.insert(entry.actor) }
      return
    }
    if users.count < Self.mostActors { users.insert(entry.actor) }
    ofUsers += 1
    if let operation = entry.operation, Self.lookingAtLog.contains(operation),
      entry.outcome != .refused, entry.outcome != .failed
    {
      looksAtLog += 1
    }
  }

  private mutating func noteRefusal(_ entry: LoggedEntry) {
    if entry.operation == .refusals || entry.operation == .userRefusals {
      let number = entry.reason.flatMap { UInt64($0) } ?? 1
      onlyCounted += number
      refused += number
      return
    }
    // The acquirer's own has a payment, and the vault's own refusals, such as of a configuration, are nobody's.
    guard entry.outcome == .refused, entry.paymentIdentifier == nil,
      entry.actor != AuditActor.system.name
    else { return }
    refused += 1
    if let reason = entry.reason, Self.notPermittedReasons.contains(reason) { notPermitted += 1 }
  }

  /// How many there are, in words: `more than` where not all were told apart.
  static func text(_ actors: Set<String>) -> String {
    actors.count < mostActors ? String(actors.count) : "\(mostActors) or more"
  }
}
