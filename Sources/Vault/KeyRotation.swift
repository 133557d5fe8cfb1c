package import AuditLog
import CardStore
import Cryptography
package import Keyring
package import RecordFormat
import Storage
import Synchronization

/// One key in the place of another.
package struct KeyRotation: Equatable, Sendable {
  package let role: KeyRole
  package let new: KeyIdentifier
  package let old: KeyIdentifier
  /// Ten hexadecimal digits by which the new key is compared.
  package let checkValue: String
}

extension Vault {
  /// Makes a new data, fingerprint or audit key, which protects everything new from one commit on.
  ///
  /// After that of a fingerprint key, older cards are added to the new table in the background; see
  /// ``keyWork``. After that of a data key, a re-encryption that has used the one before up goes on.
  /// - Throws: `KeyringError`, `StorageError`; nothing has changed then.
  package func rotate(_ role: KeyRole, actor: String) throws -> KeyRotation {
    let seconds = rules.cryptoperiods[role]
    func rotate() throws -> KeyRotation {
      try change(role, actor: actor) { change, now in
        try change.rotate(role, cryptoperiodSeconds: seconds, atMilliseconds: now)
      }
    }
    let rotation = try role == .fingerprint ? fingerprintsInTurn(rotate) : rotate()
    try wakeWork(after: rotation)
    return rotation
  }

  /// Has work on keys begin or go on that a key was waited for: cards get a new fingerprint, and those
  /// that wait for a data key which may seal are moved on.
  func wakeWork(after rotation: KeyRotation?) throws {
    guard let role = rotation?.role, role == .data || role == .fingerprint else { return }
    try opening.session().worker.wake()
  }

  /// Runs `body`, which rotates the fingerprint key, when the table that it will use is ready.
  func fingerprintsInTurn<R>(_ body: () throws -> R) throws -> R {
    try opening.session().worker.fingerprintTurn.withLock { _ in
      try FingerprintScan.clearUnusedTable(store: store, keyring: keyring)
      return try body()
    }
  }

  /// Wraps the keyring under `key`, which its source already keeps.
  ///
  /// - Parameters:
  ///   - custodians: who holds its shares; nil where its source keeps it whole.
  ///   - cryptoperiodSeconds: its cryptoperiod; nil for that of the rules.
  /// - Throws: ``VaultError/heldByCustodians`` where only their agreement replaces the present one;
  ///   `KeyringError`, `StorageError`. After `StorageError.writingEnded` it is not known which
  ///   of the two keys opens the store: both have to be kept.
  package func replaceKeyEncryptionKey(
    by key: KeyEncryptionKey, origin: KeyOrigin, custodians: CustodianSet? = nil,
    cryptoperiodSeconds: UInt64? = nil, actor: String
  ) throws -> KeyRotation {
    let seconds = cryptoperiodSeconds ?? rules.cryptoperiods[.kek]
    return try change(
      .kek, actor: actor,
      { change, now in
        try change.replaceKeyEncryptionKey(
          by: key, origin: origin, cryptoperiodSeconds: seconds, atMilliseconds: now)
        return key.identifier
      },
      beside: { [core] rotation, transaction in
        guard let custodians else {
          return try core.endCustody(of: rotation.old, in: &transaction)
        }
        try custodians.save(in: &transaction)
        for entry in custodians.entries(actor: actor) { try core.record(entry, in: &transaction) }
      })
  }

  /// Moves every card to the active data key, in the background.
  ///
  /// - Parameter cardsPerSecond: 0 for as fast as requests allow.
  package func beginReencryption(cardsPerSecond: UInt64, actor: String) throws {
    try opening.session().worker.beginReencryption(cardsPerSecond: cardsPerSecond, actor: actor)
  }

  /// Stops moving cards; a later start goes on.
  package func stopReencryption(actor: String) throws {
    try opening.session().worker.stopReencryption(actor: actor)
  }

  /// Whether cards are to be moved, and that is not done yet.
  package var isReencrypting: Bool {
    get throws { try store.read { try ReencryptionOrder.read(in: $0) } != nil }
  }

  /// How far background work on keys is.
  package var keyWork: KeyWorkProgress {
    (try? opening.session().worker.progress) ?? KeyWorkProgress()
  }

  /// The cards that stand under another key than the active one.
  package func cardsToMove() throws -> UInt64 { try opening.session().worker.cardsToMove() }

  private func change(
    _ role: KeyRole, actor: String,
    _ body: @escaping (inout KeyringChange, UInt64) throws -> KeyIdentifier,
    beside more: @escaping (KeyRotation, inout StoreWriteTransaction) throws -> Void = { _, _ in }
  ) throws -> KeyRotation {
    var rotation: KeyRotation?
    try store.perform { [core] transaction in
      let keys = try core.open().keys
      let before = keys.working
      let old = try before.current(role).identifier
      let now = core.now
      let new = try keys.change(in: &transaction) { try body(&$0, now) }
      let checkValue = keys.working.entry(new)?.checkValue.map(KeyCheckValue.text) ?? ""
      if role == .audit {
        try core.signSuccession(from: before, to: keys, atMilliseconds: now, in: &transaction)
      }
      let made = KeyRotation(role: role, new: new, old: old, checkValue: checkValue)
      try core.record(made, actor: actor, in: &transaction)
      try more(made, &transaction)
      rotation = made
    }
    guard let rotation else { throw VaultError.sealed }
    return rotation
  }
}

extension AuditEntry {
  /// The entry of a key's beginning.
  package static func creation(of key: KeyringEntry, by actor: String) -> AuditEntry {
    let checkValue = key.checkValue.map(KeyCheckValue.text) ?? "-"
    return AuditEntry(
      actor: actor, operation: AuditWord.Operation.keysCreate, key: key.identifier.text,
      outcome: AuditWord.Outcome.done, reason: "role=\(key.role.name) check_value=\(checkValue)")
  }
}

extension WriterCore {
  /// Makes the first key of each role that the version which made the store did not know.
  func addMissingRoles(
    to keys: LiveKeyring, _ cryptoperiods: Cryptoperiods,
    in transaction: inout StoreWriteTransaction
  ) throws {
    if keys.working.missingRoles.isEmpty { return }
    let now = now
    let new = try keys.change(in: &transaction) {
      try $0.addMissingRoles(cryptoperiods: cryptoperiods, atMilliseconds: now)
    }
    for key in keys.working.entries where new.contains(key.identifier) {
      try record(.creation(of: key, by: AuditEntry.systemActor), in: &transaction)
    }
  }

  /// Appends the entry of a rotation.
  func record(
    _ rotation: KeyRotation, actor: String, in transaction: inout StoreWriteTransaction
  ) throws {
    try record(
      AuditEntry(
        actor: actor, operation: AuditWord.Operation.keysRotate, key: rotation.new.text,
        outcome: AuditWord.Outcome.done,
        reason: "role=\(rotation.role.name) replaces=\(rotation.old.text) "
          + "check_value=\(rotation.checkValue)"),
      in: &transaction)
  }

  /// Notes that nobody holds shares any more, with the KEK `old` replaced by one that a source has.
  ///
  /// - Throws: ``VaultError/heldByCustodians`` where they hold that very key: nobody takes it back alone.
  func endCustody(
    of old: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    guard let holders = try CustodianSet.read(in: transaction) else { return }
    guard holders.keyIdentifier != old else { throw VaultError.heldByCustodians }
    try CustodianSet.remove(in: &transaction)
  }
}
