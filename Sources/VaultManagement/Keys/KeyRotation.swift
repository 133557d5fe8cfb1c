package import AuditLog
import CardStore
import Cryptography
package import Keyring
package import RecordFormat
import Storage
import Synchronization
package import VaultCore

/// One key in the place of another.
package struct KeyRotation: Equatable, Sendable {
  package let role: KeyRole
  package let new: KeyIdentifier
  package let old: KeyIdentifier
  /// Ten hexadecimal digits by which the new key is compared.
  package let checkValue: String
}

extension VaultManager {
  /// Makes a new data, fingerprint or audit key, which protects everything new from one commit on.
  ///
  /// After that of a fingerprint key, older cards are added to the new table in the background; see
  /// ``keyWork``. After that of a data key, a re-encryption that has used the one before up goes on.
  /// - Throws: `KeyringError`, `StorageError`; nothing has changed then.
  package func rotate(
    _ role: KeyRole, because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) -> KeyRotation {
    let seconds = rules.cryptoperiods[role]
    let rotation = try inTurn(replacing: role) { () throws(VaultError) in
      try change(role, because: reason, actor: actor) { (change, now) throws(KeyringError) in
        try change.rotate(role, cryptoperiodSeconds: seconds, atMilliseconds: now)
      }
    }
    try wakeWork(after: rotation)
    return rotation
  }

  /// Has fingerprints under a new key be made that were not done, since that had failed or was held up; nil
  /// where none were.
  package func resumeFingerprints() throws(VaultError) -> KeyRotation? {
    let (keyring, work) = (try keyring, keyWork)
    guard let old = keyring.replacedFingerprintKey, !work.isRunning,
      work.failure != nil || fingerprints.heldUpBy > 0
    else { return nil }
    fingerprints.lookAgain()
    try vault.opened().work.wake()
    let new = keyring.activeFingerprintKey.identifier
    return KeyRotation(
      role: .fingerprint, new: new, old: old.identifier,
      checkValue: keyring.entry(new)?.checkValue.map(KeyCheckValue.text) ?? "")
  }

  /// Has work on keys begin or go on that a key was waited for: cards get a new fingerprint, and those
  /// that wait for a data key which may seal are moved on.
  func wakeWork(after rotation: KeyRotation?) throws(VaultError) {
    guard let role = rotation?.role, role.sealsCards || role.isReplacedCardByCard
    else { return }
    try vault.opened().work.wake()
  }

  /// Runs `body`, which replaces the key of a role; that of fingerprints when the table that it will use
  /// is ready.
  func inTurn<R>(
    replacing role: KeyRole?, _ body: () throws(VaultError) -> R
  ) throws(VaultError) -> R {
    guard role?.isReplacedCardByCard == true else { return try body() }
    let keyring = try keyring
    return try fingerprints.turn.withLock { (_) throws(VaultError) in
      try onCards(FingerprintScan.clearUnusedTable(store: store, keyring: keyring))
      return try body()
    }
  }

  /// Wraps the keyring under `key`, which its source already keeps.
  ///
  /// - Throws: ``VaultError/heldByCustodians`` where only their agreement replaces the present one;
  ///   `KeyringError`, `StorageError`. After `StorageError.writingEnded` it is not known which
  ///   of the two keys opens the store: both have to be kept.
  package func replaceKeyEncryptionKey(
    by key: KeyEncryptionKey, origin: KeyOrigin, because reason: KeyReason = .none,
    actor: AuditActor
  ) throws(VaultError) -> KeyRotation {
    try replaceKeyEncryptionKey(
      by: key, origin: origin, custodians: nil, cryptoperiodSeconds: nil, because: reason,
      actor: actor)
  }

  /// The same for custodians who hold its shares then; nil where its source keeps it whole.
  ///
  /// - Parameter cryptoperiodSeconds: its cryptoperiod; nil for that of the rules.
  /// - Throws: as above, and ``VaultError/ceremonyNeedsApproval``.
  func replaceKeyEncryptionKey(
    by key: KeyEncryptionKey, origin: KeyOrigin, custodians: NewCustodians?,
    cryptoperiodSeconds: UInt64?, because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) -> KeyRotation {
    let seconds = cryptoperiodSeconds ?? rules.cryptoperiods[.kek]
    return try change(.kek, because: reason, actor: actor) { (change, now) throws(KeyringError) in
      try change.replaceKeyEncryptionKey(
        by: key, origin: origin, cryptoperiodSeconds: seconds, atMilliseconds: now)
      return key.identifier
    } beside: { [books] (rotation, transaction) throws(VaultError) in
      guard let custodians else {
        return try books.endCustody(of: rotation.old, in: &transaction)
      }
      let approval = try books.useApproval(
        of: custodians.order, persons: custodians.persons, in: &transaction)
      try onStore(custodians.set.save(in: &transaction))
      try onStore(custodians.rules.save(for: key.identifier, in: &transaction))
      let words = (approval.map { " approval=\($0.identifier)" } ?? "") + reason.ticketWord
      for entry in custodians.set.entries(actor: actor, rules: custodians.rules, words: words) {
        try books.record(entry, in: &transaction)
      }
    }
  }

  /// Moves every card to the active data key, in the background.
  ///
  /// - Parameter cardsPerSecond: 0 for as fast as requests allow.
  package func beginReencryption(
    cardsPerSecond: UInt64, because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) {
    try reencryption.begin(cardsPerSecond: cardsPerSecond, because: reason, actor: actor)
    try vault.opened().work.wake()
  }

  /// Stops moving cards; a later start goes on.
  package func stopReencryption(
    because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) {
    try reencryption.stop(because: reason, actor: actor)
  }

  /// Whether cards are to be moved, and that is not done yet.
  package var isReencrypting: Bool {
    get throws(VaultError) { try reencryption.isOrdered() }
  }

  /// The cards that stand under another key than the active one.
  package func cardsToMove() throws(VaultError) -> UInt64 {
    try reencryption.cardsToMove(in: vault.opened().session)
  }

  private func change(
    _ role: KeyRole, because reason: KeyReason, actor: AuditActor,
    _ body:
      @escaping @Sendable (inout KeyringChange, UInt64) throws(KeyringError) ->
      KeyIdentifier,
    beside more:
      @escaping @Sendable (KeyRotation, inout StoreWriteTransaction) throws(VaultError)
      -> Void = { (_, _) throws(VaultError) in }
  ) throws(VaultError) -> KeyRotation {
    try store.perform { [books] (transaction) throws(VaultError) in
      let keys = try books.opened().keys
      let before = keys.working
      let old = try onKeys(before.current(role)).identifier
      let now = books.now
      let new = try onKeys(
        keys.change(in: &transaction) { (change) throws(KeyringError) in try body(&change, now) })
      let checkValue = keys.working.entry(new)?.checkValue.map(KeyCheckValue.text) ?? ""
      if role == .audit {
        try books.signSuccession(from: before, to: keys, atMilliseconds: now, in: &transaction)
      }
      let made = KeyRotation(role: role, new: new, old: old, checkValue: checkValue)
      try books.record(made, because: reason, actor: actor, in: &transaction)
      try more(made, &transaction)
      return made
    }
  }
}

/// Who is to hold the KEK, and on what conditions.
struct NewCustodians: Sendable {
  let set: CustodianSet
  let rules: CustodyRules
  /// What the ceremony has carried out.
  let order: CeremonyOrder
  /// How many different persons it takes.
  let persons: Int
}

extension Books {
  /// Appends the entry of a rotation.
  func record(
    _ rotation: KeyRotation, because reason: KeyReason, actor: AuditActor,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    try record(
      AuditEntry(
        actor: actor, operation: .keysRotate, key: rotation.new.text,
        outcome: .done,
        reason: "role=\(rotation.role.name) replaces=\(rotation.old.text) "
          + "check_value=\(rotation.checkValue)" + reason.words),
      in: &transaction)
  }

  /// Notes that nobody holds shares any more, with the KEK `old` replaced by one that a source has.
  ///
  /// - Throws: ``VaultError/heldByCustodians`` where they hold that very key: nobody takes it back alone.
  func endCustody(
    of old: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    guard let holders = try onKeys(CustodianSet.read(in: transaction)) else { return }
    guard holders.keyIdentifier != old else { throw .heldByCustodians }
    try onStore(CustodianSet.remove(in: &transaction))
    try onStore(CustodyRules.remove(in: &transaction))
  }
}
