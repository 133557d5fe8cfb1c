import Keyring
package import RecordFormat
import SecretMemory
import Synchronization

/// Where custodians' shares wait until there are enough: to open a sealed vault, or to agree that
/// others become custodians. Wiped when their time is over.
final class Custody: Sendable {
  /// Shares of one purpose.
  private struct Entering: ~Copyable {
    var collection: ShareCollection
    let beganNanoseconds: UInt64
  }

  /// Custodians who are to take the place of the present ones.
  struct Successors: Sendable {
    let key: KeyEncryptionKey
    let set: CustodianSet
    let cryptoperiodSeconds: UInt64?
    let actor: String
  }

  private struct State: ~Copyable {
    var entering: [ShareProgress.Purpose: Waiting] = [:]
    var successors: Successors?
  }

  /// What a dictionary can hold of ``Entering``.
  private final class Waiting {
    var entering: Entering
    init(_ entering: consuming Entering) { self.entering = entering }
  }

  /// For how long entered shares wait.
  let limitNanoseconds: UInt64
  private let state = Mutex(State())
  /// Argon2id takes much memory: one passphrase is tried at a time.
  private let derivation = Mutex(())

  init(limitMinutes: Int) { limitNanoseconds = UInt64(limitMinutes) * 60_000_000_000 }

  /// Whether a share would be taken, before its passphrase is tried.
  func check(
    _ share: CustodianShare, of set: CustodianSet, for purpose: ShareProgress.Purpose,
    now: UInt64
  ) throws(KeyringError) {
    try state.withLock { state throws(KeyringError) in
      if let waiting = state.entering[purpose], waiting.entering.collection.set == set {
        return try waiting.entering.collection.check(share)
      }
      try ShareCollection(for: set).check(share)
    }
  }

  /// Opens a share and takes it.
  func add(
    _ share: CustodianShare, passphrase: borrowing SecretBytes, of set: CustodianSet,
    for purpose: ShareProgress.Purpose, now: UInt64
  ) throws(KeyringError) -> ShareProgress {
    let opened = try open(share, passphrase)
    var given: SecretBytes? = consume opened
    return try state.withLock { state throws(KeyringError) in
      if state.entering[purpose]?.entering.collection.set != set {
        state.entering[purpose] = Waiting(
          Entering(collection: ShareCollection(for: set), beganNanoseconds: now))
      }
      guard let waiting = state.entering[purpose], let secret = given.take() else {
        throw .systemUnavailable
      }
      try waiting.entering.collection.add(share, opened: secret)
      return progress(of: waiting, purpose, now: now)
    }
  }

  private func open(
    _ share: CustodianShare, _ passphrase: borrowing SecretBytes
  ) throws(KeyringError) -> SecretBytes {
    try derivation.withLock { _ throws(KeyringError) in try share.open(passphrase: passphrase) }
  }

  /// The key that the shares of a purpose rebuild; they are forgotten.
  func take(_ purpose: ShareProgress.Purpose) throws(KeyringError) -> KeyEncryptionKey {
    try state.withLock { state throws(KeyringError) in
      guard let waiting = state.entering.removeValue(forKey: purpose) else {
        throw .custody(.sharesMissing(1))
      }
      return try waiting.entering.collection.keyEncryptionKey()
    }
  }

  /// Forgets what was entered.
  func forget(_ purpose: ShareProgress.Purpose) {
    state.withLock { state in
      state.entering[purpose] = nil
      if purpose == .replacement { state.successors = nil }
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
        if purpose == .replacement { state.successors = nil }
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
