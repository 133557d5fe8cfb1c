import AuditLog
import Cryptography
package import Keyring
package import RecordFormat
import Storage

extension Vault {
  /// How a key leaves service.
  package enum Retirement: Sendable {
    /// It has done its time.
    case deactivated
    /// Somebody else may know it.
    case compromised

    var operation: String {
      switch self {
      case .deactivated: AuditWord.Operation.keysDeactivate
      case .compromised: AuditWord.Operation.keysCompromise
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
    because reason: KeyReason, actor: String
  ) throws -> KeyRotation? {
    guard let entry = try keyring.entry(key) else { throw KeyringError.unknownKey(key) }
    func retire() throws -> KeyRotation? {
      try retireAtOnce(
        key, as: retirement, replacement: replacement, because: reason, actor: actor)
    }
    let replacesFingerprints =
      entry.role == .fingerprint && entry.state == .active && !entry.isBeingReplaced
    let rotation = try replacesFingerprints ? fingerprintsInTurn(retire) : retire()
    try wakeWork(after: rotation)
    return rotation
  }

  private func retireAtOnce(
    _ key: KeyIdentifier, as retirement: Retirement, replacement: KeyEncryptionKey?,
    because reason: KeyReason, actor: String
  ) throws -> KeyRotation? {
    var rotation: KeyRotation?
    let cryptoperiods = rules.cryptoperiods
    try store.perform { [core] transaction in
      let keys = try core.open().keys
      let now = core.now
      let old = try KeyringChange(keys.working).entry(key)
      let isInService = old.state == .active && !old.isBeingReplaced
      guard isInService || retirement == .compromised else {
        throw KeyringError.wrongState(key, old.state)
      }
      let before = keys.working
      let new = try keys.change(in: &transaction) { change in
        let new =
          isInService
          ? try change.replace(
            old, by: replacement, cryptoperiods: cryptoperiods,
            isUrgent: retirement == .compromised, atMilliseconds: now) : nil
        if retirement == .compromised { try change.compromise(key, atMilliseconds: now) }
        return new
      }
      if old.role == .audit, new != nil {
        try core.signSuccession(from: before, to: keys, atMilliseconds: now, in: &transaction)
      }
      if old.role == .kek, new != nil { try core.endCustody(of: key, in: &transaction) }
      rotation = try new.map { new in
        let made = KeyRotation(
          role: old.role, new: new, old: key,
          checkValue: keys.working.entry(new)?.checkValue.map(KeyCheckValue.text) ?? "")
        try core.record(made, actor: actor, in: &transaction)
        return made
      }
      let isBegun = retirement == .deactivated && old.role == .fingerprint
      try core.record(
        AuditEntry(
          actor: actor, operation: retirement.operation, key: key.text,
          outcome: isBegun ? AuditWord.Outcome.begun : AuditWord.Outcome.done,
          reason: "role=\(old.role.name)" + reason.words),
        in: &transaction)
    }
    return rotation
  }
}

extension KeyringChange {
  /// Puts a key in the place of an active one.
  fileprivate mutating func replace(
    _ old: KeyringEntry, by replacement: KeyEncryptionKey?, cryptoperiods: Cryptoperiods,
    isUrgent: Bool, atMilliseconds now: UInt64
  ) throws -> KeyIdentifier {
    let seconds = cryptoperiods[old.role]
    guard old.role == .kek else {
      return try rotate(
        old.role, cryptoperiodSeconds: seconds, isUrgent: isUrgent, atMilliseconds: now)
    }
    guard let replacement else { throw KeyringError.noActiveKey(.kek) }
    try replaceKeyEncryptionKey(
      by: replacement, origin: .rotation, cryptoperiodSeconds: seconds, atMilliseconds: now)
    return replacement.identifier
  }
}
