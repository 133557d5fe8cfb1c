import AuditLog
import Keyring
package import RecordFormat
import SecretMemory
import Synchronization
import VaultCore

/// Where custodians' shares wait until there are enough: to open a sealed vault, or to agree that
/// others become custodians. Wiped when their time is over.
final class Custody: Sendable {
  /// Shares of one purpose.
  fileprivate struct Entering: ~Copyable {
    var collection: ShareCollection
    let beganNanoseconds: UInt64
    /// Who has entered them, where each has to be somebody else.
    var accounts: Set<String> = []

    init(collection: consuming ShareCollection, beganNanoseconds: UInt64) {
      self.collection = collection
      self.beganNanoseconds = beganNanoseconds
    }
  }

  /// Custodians who are to take the place of the present ones.
  struct Successors: Sendable {
    let key: KeyEncryptionKey
    let set: CustodianSet
    let cryptoperiodSeconds: UInt64?
    let reason: KeyReason
    let actor: AuditActor
    /// How many persons the policy asked for when it began.
    let persons: Int
    let replacement = CustodianReplacement()
  }

  fileprivate struct State: ~Copyable {
    var entering: [ShareProgress.Purpose: Waiting] = [:]
    var successors: Successors?
  }

  /// What a dictionary can hold of ``Entering``.
  fileprivate final class Waiting {
    var entering: Entering
    init(_ entering: consuming Entering) { self.entering = entering }

    func check(_ share: CustodianShare, from accounts: Set<String>?) throws(KeyringError) {
      try entering.collection.check(share)
      if let accounts, !entering.accounts.isDisjoint(with: accounts) {
        throw .custody(.accountEnteredAlready(custodian: share.header.custodian))
      }
    }
  }

  /// For how long entered shares wait.
  let limitNanoseconds: UInt64
  private let state = Mutex(State())
  /// Argon2id takes much memory: one passphrase is tried at a time.
  private let derivation = Mutex(())

  /// Whether shares open the vault. Asked with the lock held: one that comes when the vault is open
  /// already is either refused, or forgotten by ``vaultWasOpened()``.
  private let acceptsShares: @Sendable () -> Bool

  init(limitMinutes: Int, acceptsShares: @escaping @Sendable () -> Bool) {
    limitNanoseconds = UInt64(limitMinutes) * 60_000_000_000
    self.acceptsShares = acceptsShares
  }

  /// Whether a share would be taken, before its passphrase is tried.
  ///
  /// - Parameter accounts: who enters it, by account and by login, where each has to be somebody else.
  func check(
    _ share: CustodianShare, of set: CustodianSet, for purpose: ShareProgress.Purpose,
    from accounts: Set<String>?
  ) throws(KeyringError) {
    try state.withLock { state throws(KeyringError) in
      if let waiting = state.entering[purpose], waiting.entering.collection.set == set {
        return try waiting.check(share, from: accounts)
      }
      try ShareCollection(for: set).check(share)
    }
  }

  /// What came of a share.
  struct Taken: Sendable {
    let progress: ShareProgress
    /// The key that it and the others rebuild, which are forgotten then.
    let key: KeyEncryptionKey?
  }

  /// Opens a share and takes it, where it is wanted still.
  ///
  /// - Throws: `KeyringError`; ``VaultError/notSealed``, ``VaultError/noReplacement`` where it came too
  ///   late.
  func add(
    _ share: CustodianShare, passphrase: borrowing SecretBytes, of set: CustodianSet,
    for purpose: ShareProgress.Purpose, from accounts: Set<String>?, now: UInt64
  ) throws(VaultError) -> Taken {
    var given: SecretBytes?
    do throws(KeyringError) { given = try open(share, passphrase) } catch { throw .keyring(error) }
    return try state.withLock { (state) throws(VaultError) in
      switch purpose {
      case .unseal: guard acceptsShares() else { throw .notSealed }
      case .replacement: guard state.successors != nil else { throw .noReplacement }
      }
      if state.entering[purpose]?.entering.collection.set != set {
        state.entering[purpose] = Waiting(
          Entering(collection: ShareCollection(for: set), beganNanoseconds: now))
      }
      guard let waiting = state.entering[purpose], let secret = given.take() else {
        throw .keyring(.systemUnavailable)
      }
      do throws(KeyringError) {
        try waiting.check(share, from: accounts)
        try waiting.entering.collection.add(share, opened: secret)
        if let accounts { waiting.entering.accounts.formUnion(accounts) }
      } catch { throw .keyring(error) }
      let progress = progress(of: waiting, purpose, now: now)
      guard progress.missing == 0 else { return Taken(progress: progress, key: nil) }
      state.entering[purpose] = nil
      return Taken(
        progress: progress,
        key: try onKeys(waiting.entering.collection.keyEncryptionKey()))
    }
  }

  private func open(
    _ share: CustodianShare, _ passphrase: borrowing SecretBytes
  ) throws(KeyringError) -> SecretBytes {
    try derivation.withLock { _ throws(KeyringError) in try share.open(passphrase: passphrase) }
  }

  /// Shares are wanted no more.
  func vaultWasOpened() {
    state.withLock { $0.entering[.unseal] = nil }
  }

  /// Nothing that was entered counts: shares are about to open the vault, and a replacement has nothing that
  /// it could replace.
  func vaultWasSealed() {
    state.withLock { state in
      state.entering = [:]
      state.endReplacement()
    }
  }

  /// Forgets what was entered.
  func forget(_ purpose: ShareProgress.Purpose) {
    state.withLock { state in
      state.entering[purpose] = nil
      if purpose == .replacement { state.endReplacement() }
    }
  }

  /// Forgets what has waited too long, and tells what that was.
  func expire(now: UInt64) -> [ShareProgress] {
    state.withLock { state in
      var expired: [ShareProgress] = []
      for (purpose, waiting) in state.entering
      where now - min(now, waiting.entering.beganNanoseconds) >= limitNanoseconds {
        expired.append(progress(of: waiting, purpose, now: now))
        state.entering[purpose] = nil
        if purpose == .replacement { state.endReplacement() }
      }
      return expired
    }
  }

  /// How far each purpose is.
  func progress(now: UInt64) -> [ShareProgress] {
    state.withLock { state in
      state.entering.map { progress(of: $0.value, $0.key, now: now) }
    }
  }

  private func progress(
    of waiting: Waiting, _ purpose: ShareProgress.Purpose, now: UInt64
  ) -> ShareProgress {
    let progress = waiting.entering.collection.progress
    let waited = now - min(now, waiting.entering.beganNanoseconds)
    return ShareProgress(
      purpose: purpose, key: waiting.entering.collection.set.keyIdentifier,
      entered: progress.entered.map(\.text), missing: progress.missing,
      secondsLeft: Int((limitNanoseconds - min(limitNanoseconds, waited)) / 1_000_000_000))
  }

  // MARK: - Successors

  /// Notes who is to become custodian, where nobody else is about to; the shares of `present` agree.
  func begin(_ successors: Successors, agreedBy present: CustodianSet, now: UInt64) -> Bool {
    state.withLock { state in
      guard state.successors == nil else { return false }
      state.successors = successors
      state.entering[.replacement] = Waiting(
        Entering(collection: ShareCollection(for: present), beganNanoseconds: now))
      return true
    }
  }

  /// Who is about to become custodian.
  var successors: Successors? { state.withLock { $0.successors } }
}

extension Custody.State {
  fileprivate mutating func endReplacement() {
    successors?.replacement.abandon()
    successors = nil
  }
}

/// What becomes of a ceremony that waits for the present custodians. Whoever waits for it is told what
/// is certain: shares of a key that may be in force must never be thrown away.
package final class CustodianReplacement: Sendable {
  /// Where a replacement is in its life.
  package enum State: Equatable, Sendable {
    case waiting
    /// The shares are complete, and the keyring is being wrapped anew.
    case committing
    /// The new key is in force.
    case done
    /// The key before is in force, for certain.
    case abandoned
    /// Nobody knows which of both is in force until the next start.
    case unknown
  }

  private let value = Mutex(State.waiting)

  /// Where it is in its life.
  package var state: State { value.withLock { $0 } }

  /// Begins to commit; false where it was given up before.
  func begin() -> Bool {
    value.withLock { value in
      guard value == .waiting else { return false }
      value = .committing
      return true
    }
  }

  func end(_ state: State) { value.withLock { $0 = state } }

  /// Gives it up, where nothing has begun yet.
  func abandon() {
    value.withLock { value in
      if value == .waiting { value = .abandoned }
    }
  }
}

/// How many shares have been entered.
package struct ShareProgress: Equatable, Sendable {
  /// What shares are entered for.
  package enum Purpose: String, Hashable, Sendable {
    /// To open the vault.
    case unseal
    /// To agree that others become custodians.
    case replacement
  }

  package let purpose: Purpose
  /// The KEK that the shares rebuild.
  package let key: KeyIdentifier
  /// Whose, in the order in which they were entered.
  package let entered: [String]
  /// How many are still missing.
  package let missing: Int
  /// When what was entered will be forgotten.
  package let secondsLeft: Int
}
