package import AuditLog
import Cryptography
package import Keyring
package import RecordFormat
import Storage
package import VaultCore

extension VaultManager {
  /// How a key leaves service.
  package enum Retirement: Sendable {
    /// It has done its time.
    case deactivated
    /// Somebody else may know it.
    case compromised

    var operation: AuditOperation {
      switch self {
      case .deactivated: .keysDeactivate
      case .compromised: .keysCompromise
      }
    }
  }

  /// Takes a key out of service: it opens what it protected, and protects nothing new. One that is
  /// active is replaced in the same transaction.
  ///
  /// - Parameter replacement: the KEK that takes the place of an active one; its source keeps it
  ///   already.
  /// - Returns: what replaced it; nil where it was replaced before.
  /// - Throws: `KeyringError`, `StorageError`, ``VaultError/sealed``; nothing has changed then.
  package func retire(
    _ key: KeyIdentifier, as retirement: Retirement, replacement: KeyEncryptionKey? = nil,
    because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) -> KeyRotation? {
    guard let entry = try keyring.entry(key) else { throw .keyring(.unknownKey(key)) }
    let isReplaced = entry.state == .active && !entry.isBeingReplaced
    let rotation = try inTurn(replacing: isReplaced ? entry.role : nil) {
      () throws(VaultError) in
      try retireAtOnce(
        key, as: retirement, replacement: replacement, because: reason, actor: actor)
    }
    try wakeWork(after: rotation)
    return rotation
  }

  private func retireAtOnce(
    _ key: KeyIdentifier, as retirement: Retirement, replacement: KeyEncryptionKey?,
    because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) -> KeyRotation? {
    let cryptoperiods = rules.cryptoperiods
    return try store.perform { [books] (transaction) throws(VaultError) in
      let keys = try books.opened().keys
      let now = books.now
      let old = try onKeys(KeyringChange(keys.working).entry(key))
      let isInService = old.state == .active && !old.isBeingReplaced
      guard isInService || retirement == .compromised else {
        throw .keyring(.wrongState(key, old.state))
      }
      let before = keys.working
      let new = try onKeys(
        keys.change(in: &transaction) { (change) throws(KeyringError) in
          let new =
            isInService
            ? try change.replace(
              old, by: replacement, cryptoperiods: cryptoperiods,
              isUrgent: retirement == .compromised, atMilliseconds: now) : nil
          if retirement == .compromised { try change.compromise(key, atMilliseconds: now) }
          return new
        })
      if old.role == .audit, new != nil {
        try books.signSuccession(from: before, to: keys, atMilliseconds: now, in: &transaction)
      }
      if old.role.wrapsKeyring, new != nil { try books.endCustody(of: key, in: &transaction) }
      var rotation: KeyRotation?
      if let new {
        let made = KeyRotation(
          role: old.role, new: new, old: key,
          checkValue: keys.working.entry(new)?.checkValue.map(KeyCheckValue.text) ?? "")
        try books.record(made, because: .none, actor: actor, in: &transaction)
        rotation = made
      }
      let isBegun = retirement == .deactivated && old.role.isReplacedCardByCard
      try books.record(
        AuditEntry(
          actor: actor, operation: retirement.operation, key: key.text,
          outcome: isBegun ? .begun : .done,
          reason: "role=\(old.role.name)" + reason.words),
        in: &transaction)
      return rotation
    }
  }
}

extension KeyringChange {
  /// Puts a key in the place of an active one.
  fileprivate mutating func replace(
    _ old: KeyringEntry, by replacement: KeyEncryptionKey?, cryptoperiods: Cryptoperiods,
    isUrgent: Bool, atMilliseconds now: UInt64
  ) throws(KeyringError) -> KeyIdentifier {
    let seconds = cryptoperiods[old.role]
    guard old.role.wrapsKeyring else {
      return try rotate(
        old.role, cryptoperiodSeconds: seconds, isUrgent: isUrgent, atMilliseconds: now)
    }
    guard let replacement else { throw .noActiveKey(.kek) }
    try replaceKeyEncryptionKey(
      by: replacement, origin: .rotation, cryptoperiodSeconds: seconds, atMilliseconds: now)
    return replacement.identifier
  }
}
