import AuditLog
package import Keyring
package import RecordFormat
package import SecretMemory
import Storage

extension Vault {
  /// How far custodians are with their shares.
  package var shareProgress: [ShareProgress] {
    custody.progress(now: core.clock.monotonicNanoseconds())
  }

  /// Takes a custodian's share, with an entry that names them whether it is right or not; the one
  /// that completes them opens the vault, or puts the new custodians in.
  ///
  /// Takes the time of Argon2id.
  /// - Parameter text: the share, as it was written or typed in.
  /// - Throws: `KeyringError.custody`, which names what is wrong; ``VaultError/noCustodians``,
  ///   ``VaultError/notSealed``, ``VaultError/noReplacement``; `StorageError`.
  package func enterShare(
    _ text: RawSpan, passphrase: borrowing SecretBytes, for purpose: ShareProgress.Purpose,
    actor: String
  ) throws -> ShareProgress {
    guard let set = try CustodianSet.read(in: store) else { throw VaultError.noCustodians }
    switch purpose {
    case .unseal: guard isSealed else { throw VaultError.notSealed }
    case .replacement: guard custody.successors != nil else { throw VaultError.noReplacement }
    }
    var custodian: String?
    let progress: ShareProgress
    do throws(KeyringError) {
      let share = try CustodianShare(parsing: text)
      custodian = share.header.custodian.text
      let now = core.clock.monotonicNanoseconds()
      try custody.check(share, of: set, for: purpose, now: now)
      progress = try custody.add(share, passphrase: passphrase, of: set, for: purpose, now: now)
    } catch {
      try noteShare(
        purpose, set, actor: actor, outcome: AuditWord.Outcome.refused,
        reason: "cause=\(error.word)", custodian: custodian)
      throw error
    }
    do {
      try noteShare(
        purpose, set, actor: actor, outcome: AuditWord.Outcome.done,
        reason: "entered=\(progress.entered.count) missing=\(progress.missing)",
        custodian: custodian)
    } catch {
      // What is in no entry has not happened.
      custody.forget(purpose)
      throw error
    }
    if progress.missing == 0 { try complete(purpose, actor: actor) }
    return progress
  }

  private func complete(_ purpose: ShareProgress.Purpose, actor: String) throws {
    let key = try custody.take(purpose)
    switch purpose {
    case .unseal:
      try unseal(with: try KeyringStore.open(in: store, with: key), actor: actor)
    case .replacement:
      defer { custody.forget(.replacement) }
      guard let successors = custody.successors else { throw VaultError.noReplacement }
      _ = try replaceKeyEncryptionKey(
        by: successors.key, origin: .ceremony, custodians: successors.set,
        cryptoperiodSeconds: successors.cryptoperiodSeconds, actor: successors.actor)
    }
  }

  private func noteShare(
    _ purpose: ShareProgress.Purpose, _ set: CustodianSet, actor: String, outcome: String,
    reason: String, custodian: String?
  ) throws {
    try record(
      AuditEntry(
        actor: actor, operation: purpose.operation, key: set.keyIdentifier.text, outcome: outcome,
        reason: reason + (custodian.map { " custodian=\($0)" } ?? "")))
  }

  /// Puts a KEK that custodians hold in the place of the present one: at once where nobody holds the
  /// present one, otherwise when enough of those who do have agreed with their shares.
  ///
  /// - Parameter cryptoperiodSeconds: the key's cryptoperiod; nil for that of the rules.
  /// - Returns: whether it is done.
  /// - Throws: ``VaultError/sealed``, ``VaultError/replacementUnderWay``; `KeyringError`,
  ///   `StorageError`.
  package func beginCustody(
    of key: KeyEncryptionKey, by set: CustodianSet, cryptoperiodSeconds: UInt64? = nil,
    actor: String
  ) throws -> Bool {
    let present = try keyring
    guard key.identifier == set.keyIdentifier, try key.checkValue() == set.checkValue else {
      throw KeyringError.custody(.rebuiltKeyDiffers(set.keyIdentifier))
    }
    guard present.entry(key.identifier) == nil else {
      throw KeyringError.keyKnownAlready(key.identifier)
    }
    let holders = try CustodianSet.read(in: store)
    guard let holders, holders.keyIdentifier == present.keyEncryptionKeyIdentifier else {
      _ = try replaceKeyEncryptionKey(
        by: key, origin: .ceremony, custodians: set, cryptoperiodSeconds: cryptoperiodSeconds,
        actor: actor)
      return true
    }
    let successors = Custody.Successors(
      key: key, set: set, cryptoperiodSeconds: cryptoperiodSeconds, actor: actor)
    let now = core.clock.monotonicNanoseconds()
    guard custody.begin(successors, agreedBy: holders, now: now) else {
      throw VaultError.replacementUnderWay
    }
    do {
      try record(
        AuditEntry(
          actor: actor, operation: AuditWord.Operation.ceremony, key: key.identifier.text,
          outcome: AuditWord.Outcome.waiting,
          reason: "role=kek replaces=\(holders.keyIdentifier.text) shares=\(holders.threshold)"))
    } catch {
      custody.forget(.replacement)
      throw error
    }
    return false
  }

  /// Forgets a replacement that waits.
  package func abandonCustody() { custody.forget(.replacement) }

  /// Forgets shares that have waited too long.
  func expireShares() {
    for expired in custody.expire(now: core.clock.monotonicNanoseconds()) {
      store.submit(
        NoteJob(
          AuditEntry(
            actor: AuditEntry.systemActor, operation: expired.purpose.operation,
            key: expired.key.text, outcome: AuditWord.Outcome.expired,
            reason: "forgotten=\(expired.entered.count)"), core: core))
    }
  }
}

extension ShareProgress.Purpose {
  fileprivate var operation: String {
    switch self {
    case .unseal: AuditWord.Operation.unsealShare
    case .replacement: AuditWord.Operation.ceremonyShare
    }
  }
}

extension KeyringError {
  /// What entries call it.
  fileprivate var word: String {
    guard case .custody(let problem) = self else { return "unavailable" }
    return switch problem {
    case .shareText: "mistyped"
    case .unsupportedShare: "unsupported"
    case .passphraseLength, .wrongPassphrase: "wrong-passphrase"
    case .shareOfAnotherKey: "another-key"
    case .shareOfAnotherSet: "another-set"
    case .shareDoesNotMatch: "altered"
    case .shareEnteredAlready: "entered-already"
    case .sharesMissing, .rebuiltKeyDiffers, .malformedSet, .invalidPlan: "unavailable"
    }
  }
}

/// An entry about something that has happened already; where it cannot be written, it is lost.
private final class NoteJob: WriteJob {
  let admission = Admission.reserved
  private let entry: AuditEntry
  private let core: WriterCore

  init(_ entry: AuditEntry, core: WriterCore) {
    self.entry = entry
    self.core = core
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    try core.record(entry, in: &transaction)
  }

  func complete(_ result: Result<Void, any Error>) {}
}
