package import AuditLog
package import Keyring
import Ledgers
package import RecordFormat
package import SecretMemory
import Storage
package import VaultCore

extension VaultManager {
  /// How far custodians are with their shares.
  package var shareProgress: [ShareProgress] {
    custody.progress(now: books.clock.monotonicNanoseconds())
  }

  /// Takes a custodian's share, with an entry that names them whether it is right or not; the one
  /// that completes them opens the vault, or puts the new custodians in.
  ///
  /// Takes the time of Argon2id.
  /// - Parameter text: the share, as it was written or typed in.
  /// - Parameter actor: who enters it; where the ceremony asked for that, each share comes from another.
  /// - Throws: `KeyringError.custody`, which names what is wrong; ``VaultError/noCustodians``,
  ///   ``VaultError/notSealed``, ``VaultError/noReplacement``; `StorageError`.
  package func enterShare(
    _ text: RawSpan, passphrase: borrowing SecretBytes, for purpose: ShareProgress.Purpose,
    because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) -> ShareProgress {
    guard let (set, rules) = try holders() else { throw .noCustodians }
    let account: Set<String>? =
      rules.distinctAccounts
      ? Set([actor.name] + (actor.login.map { ["login:\($0)"] } ?? [])) : nil
    switch purpose {
    case .unseal: guard vault.acceptsShares else { throw .notSealed }
    case .replacement: guard custody.successors != nil else { throw .noReplacement }
    }
    var custodian: String?
    let taken: Custody.Taken
    do throws(VaultError) {
      let share: CustodianShare
      do throws(KeyringError) {
        share = try CustodianShare(parsing: text)
        custodian = share.header.custodian.text
        try custody.check(share, of: set, for: purpose, from: account)
      } catch { throw .keyring(error) }
      taken = try custody.add(
        share, passphrase: passphrase, of: set, for: purpose, from: account,
        now: books.clock.monotonicNanoseconds())
    } catch {
      if case .keyring(let problem) = error {
        try noteShare(
          purpose, set, actor: actor, outcome: .refused,
          reason: "cause=\(problem.word)" + reason.ticketWord,
          custodian: custodian)
      }
      throw error
    }
    do throws(VaultError) {
      try noteShare(
        purpose, set, actor: actor, outcome: .done,
        reason: "entered=\(taken.progress.entered.count) missing=\(taken.progress.missing)"
          + reason.ticketWord,
        custodian: custodian)
    } catch {
      // What is in no entry has not happened.
      custody.forget(purpose)
      throw error
    }
    if let key = taken.key { try complete(purpose, with: key, because: reason, actor: actor) }
    return taken.progress
  }

  private func complete(
    _ purpose: ShareProgress.Purpose, with key: KeyEncryptionKey, because reason: KeyReason,
    actor: AuditActor
  ) throws(VaultError) {
    switch purpose {
    case .unseal:
      try unseal(
        with: onKeys(KeyringStore.open(in: store, with: key)), because: reason, actor: actor)
    case .replacement:
      guard let successors = custody.successors, successors.replacement.begin() else {
        throw .noReplacement
      }
      defer { custody.forget(.replacement) }
      do throws(VaultError) {
        try putInForce(successors)
        successors.replacement.end(.done)
      } catch {
        successors.replacement.end(error == .store(.writingEnded) ? .unknown : .abandoned)
        throw error
      }
    }
  }

  /// Who holds shares of the KEK, and what their ceremony has laid down; nil where nobody does.
  package func holders() throws(VaultError) -> (set: CustodianSet, rules: CustodyRules)? {
    try store.read { (transaction) throws(VaultError) in
      guard let set = try onKeys(CustodianSet.read(in: transaction)) else { return nil }
      return (set, try onKeys(CustodyRules.read(of: set.keyIdentifier, in: transaction)))
    }
  }

  private func putInForce(_ successors: Custody.Successors) throws(VaultError) {
    _ = try replaceKeyEncryptionKey(
      by: successors.key, origin: .ceremony,
      custodians: NewCustodians(
        set: successors.set, rules: CustodyRules(distinctAccounts: distinctAccounts),
        order: onKeys(
          CeremonyOrder(
            of: successors.set, cryptoperiodSeconds: successors.cryptoperiodSeconds)),
        persons: successors.persons),
      cryptoperiodSeconds: successors.cryptoperiodSeconds, because: successors.reason,
      actor: successors.actor)
  }

  private func noteShare(
    _ purpose: ShareProgress.Purpose, _ set: CustodianSet, actor: AuditActor, outcome: AuditOutcome,
    reason: String, custodian: String?
  ) throws(VaultError) {
    try vault.record(
      AuditEntry(
        actor: actor, operation: purpose.operation, key: set.keyIdentifier.text, outcome: outcome,
        reason: reason + (custodian.map { " custodian=\($0)" } ?? "")))
  }

  /// Puts a KEK that custodians hold in the place of the present one: at once where nobody holds the
  /// present one, otherwise when enough of those who do have agreed with their shares.
  ///
  /// - Parameters:
  ///   - cryptoperiodSeconds: the key's cryptoperiod; nil for that of the rules.
  ///   - persons: how many different persons it takes, the one who asks among them; where it is more than
  ///     one, they have agreed before to a request of ``ask(for:because:actor:persons:)``, which is used up.
  /// - Returns: what becomes of it; nil where it is done.
  /// - Throws: ``VaultError/sealed``, ``VaultError/replacementUnderWay``,
  ///   ``VaultError/ceremonyNeedsApproval``; `KeyringError`, `StorageError`.
  package func beginCustody(
    of key: KeyEncryptionKey, by set: CustodianSet, cryptoperiodSeconds: UInt64? = nil,
    because reason: KeyReason = .none, actor: AuditActor, persons: Int = 1
  ) throws(VaultError) -> CustodianReplacement? {
    let present = try keyring
    guard key.identifier == set.keyIdentifier,
      try onKeys(key.checkValue()) == set.checkValue
    else {
      throw .keyring(.custody(.rebuiltKeyDiffers(set.keyIdentifier)))
    }
    guard present.entry(key.identifier) == nil else {
      throw .keyring(.keyKnownAlready(key.identifier))
    }
    let order = try onKeys(CeremonyOrder(of: set, cryptoperiodSeconds: cryptoperiodSeconds))
    // What is missing now is told before anybody enters a share.
    _ = try Approval.granting(order, persons: persons, among: approvals())
    let successors = Custody.Successors(
      key: key, set: set, cryptoperiodSeconds: cryptoperiodSeconds, reason: reason, actor: actor,
      persons: persons)
    let holders = try onKeys(CustodianSet.read(in: store))
    guard let holders, holders.keyIdentifier == present.keyEncryptionKeyIdentifier else {
      try putInForce(successors)
      return nil
    }
    let now = books.clock.monotonicNanoseconds()
    guard custody.begin(successors, agreedBy: holders, now: now) else {
      throw .replacementUnderWay
    }
    do throws(VaultError) {
      try vault.record(
        AuditEntry(
          actor: actor, operation: .ceremony, key: key.identifier.text,
          outcome: .waiting,
          reason: "role=kek replaces=\(holders.keyIdentifier.text) shares=\(holders.threshold)"
            + reason.words))
    } catch {
      custody.forget(.replacement)
      throw error
    }
    return successors.replacement
  }

  /// Gives up a ceremony that waits, with an entry; one whose shares are complete goes on to its end.
  package func abandon(_ replacement: CustodianReplacement, actor: AuditActor) {
    guard let successors = custody.successors, successors.replacement === replacement,
      replacement.state == .waiting
    else { return }
    custody.forget(.replacement)
    guard replacement.state == .abandoned else { return }
    vault.note(
      AuditEntry(
        actor: actor, operation: .ceremony, key: successors.key.identifier.text,
        outcome: .stopped, reason: "role=kek"))
  }

  /// Forgets shares that have waited too long.
  func expireShares() {
    for expired in custody.expire(now: books.clock.monotonicNanoseconds()) {
      vault.note(
        AuditEntry(
          actor: .system, operation: expired.purpose.operation,
          key: expired.key.text, outcome: .expired,
          reason: "forgotten=\(expired.entered.count)"))
    }
  }
}

extension ShareProgress.Purpose {
  fileprivate var operation: AuditOperation {
    switch self {
    case .unseal: .unsealShare
    case .replacement: .ceremonyShare
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
    case .accountEnteredAlready: "same-account"
    case .sharesMissing, .rebuiltKeyDiffers, .malformedSet, .invalidPlan: "unavailable"
    }
  }
}
