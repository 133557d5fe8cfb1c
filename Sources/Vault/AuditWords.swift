import AccessPolicy
import AuditLog
import Cards

/// The words of audit entries: what `operation` and `outcome` may say.
package enum AuditWord {
  package enum Operation {
    package static let tokenize = "tokenize"
    package static let detokenize = "detokenize"
    package static let delete = "delete"
    /// A key that is made with the store.
    package static let keysCreate = "keys.create"
    package static let keysRotate = "keys.rotate"
    package static let keysReencrypt = "keys.reencrypt"
    package static let keysDeactivate = "keys.deactivate"
    package static let keysCompromise = "keys.compromise"
    package static let keysDestroy = "keys.destroy"
    package static let approve = "approve"
    package static let reject = "reject"
    package static let seal = "seal"
    package static let unsealShare = "unseal.share"
    package static let ceremony = "ceremony"
    package static let ceremonyShare = "ceremony.share"
    package static let unseal = "unseal"
    package static let storeBackup = "store.backup"
    package static let storeBackupForget = "store.backup.forget"
    package static let storeCompact = "store.compact"
    package static let storeRestore = "store.restore"
    /// A request that was refused before its operation was known.
    package static let request = "request"
    /// What the vault notes about checkpoints of the log.
    package static let checkpoint = "checkpoint"
    /// A client's refusals past the limit of a minute, as one entry.
    package static let refusals = "refusals"
    package static let alarm = "alarm"
    package static let honeytokenAdd = "honeytoken.add"
    package static let honeytokenList = "honeytoken.list"
    package static let honeytokenRemove = "honeytoken.remove"
  }
  package enum Reason {
    /// Too many numbers with the same first and last digits were new within an hour.
    package static let sameDigits = "same-digits"
    /// An acquirer's answer held the card number, or nine or more digits of it.
    package static let cardNumberInAnswer = "card-number-in-answer"
  }
  package enum Outcome {
    package static let created = "created"
    package static let existing = "existing"
    package static let replayed = "replayed"
    package static let released = "released"
    package static let intent = "intent"
    package static let notSent = "not_sent"
    package static let rejected = "rejected"
    package static let unknown = "unknown"
    package static let deleted = "deleted"
    package static let refused = "refused"
    package static let counted = "counted"
    /// Entries that a former process left without a checkpoint.
    package static let uncovered = "uncovered"
    package static let begun = "begun"
    package static let done = "done"
    package static let stopped = "stopped"
    package static let share = "share"
    package static let waiting = "waiting"
    package static let expired = "expired"
    package static let failed = "failed"
    package static let changed = "changed"
    package static let raised = "raised"
  }
}

extension AuditEntry {
  /// An entry about what `caller` asked.
  init(_ caller: Caller, operation: String, token: Token? = nil, outcome: String) {
    self.init(
      actor: caller.actor, operation: operation, merchant: caller.merchantName,
      token: token?.text, key: nil, acquirer: caller.acquirerName, paymentIdentifier: nil,
      outcome: outcome, reason: nil, requestIdentifier: caller.requestIdentifier)
  }
}

extension AuditEntry {
  /// An entry about a refusal of the vault's own.
  ///
  /// - Parameter acquirer: the acquirer that a merchant named and may use.
  init(
    _ problem: Problem, caller: Caller, operation: String, token: Token?, acquirer: String? = nil
  ) {
    self.init(caller, operation: operation, token: token, outcome: AuditWord.Outcome.refused)
    if let acquirer { self.acquirer = acquirer }
    reason = problem.name.rawValue
  }
}

extension Caller {
  /// The merchant that asks, if it is one.
  var merchantName: String? {
    if case .merchant(let merchant) = principal { merchant.name } else { nil }
  }

  /// The acquirer that asks, if it is one.
  var acquirerName: String? {
    if case .acquirer(let acquirer) = principal { acquirer.name } else { nil }
  }
}
