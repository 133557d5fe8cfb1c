import AuditLog
import CardStore
import Glibc
package import Keyring
import RecordFormat
import Storage
import Synchronization

/// Whether the vault is open, and what there is while it is.
final class Opening: Sendable {
  /// What there is while the keyring is open.
  struct Session {
    let opened: OpenedVault
    let worker: KeyWorker

    var keys: LiveKeyring { opened.keys }
  }

  private let current = Mutex<Session?>(nil)
  /// Held while the vault is opened, sealed or closed, which takes its time; true once it is closed.
  private let turn = Mutex(false)
  private let sealed = Atomic(true)

  /// Whether operations answer `sealed`: from the moment on at which sealing begins.
  var isSealed: Bool { sealed.load(ordering: .relaxed) }

  /// What there is now.
  func session() throws(VaultError) -> Session {
    guard let session = current.withLock({ $0 }) else { throw .sealed }
    return session
  }

  /// Opens a sealed vault with what `body` makes.
  func open(_ body: () throws -> Session) throws {
    try turn.withLock { isClosed in
      guard !isClosed else { throw StorageError.stopped }
      guard current.withLock({ $0 == nil }) else { throw VaultError.notSealed }
      let session = try body()
      current.withLock { $0 = session }
      sealed.store(false, ordering: .relaxed)
      session.worker.wake()
    }
  }

  /// Seals an open vault. Where `body` throws, it is open as before, with another worker.
  func seal(
    restarting worker: (Session) -> KeyWorker, _ body: (Session) throws -> Void
  ) throws {
    try turn.withLock { _ in
      let session = try session()
      sealed.store(true, ordering: .relaxed)
      session.worker.stop()
      do {
        try body(session)
      } catch {
        let again = Session(opened: session.opened, worker: worker(session))
        current.withLock { $0 = again }
        sealed.store(false, ordering: .relaxed)
        again.worker.wake()
        throw error
      }
      current.withLock { $0 = nil }
      session.opened.cards.flushIndex()
    }
  }

  /// Ends the vault, once; `body` is given what there was.
  func close(_ body: (Session?) -> Void) {
    turn.withLock { isClosed in
      guard !isClosed else { return }
      isClosed = true
      body(current.withLock { $0.take() })
      sealed.store(true, ordering: .relaxed)
    }
  }
}

extension Vault {
  /// How long sealing waits for payments at most: the longest answer of an acquirer, and room.
  package static let sealingPatience = Duration.seconds(45)
  private static let lookNanoseconds = 5_000_000

  /// Opens a sealed vault: brings the fingerprint index up to date, closes payments that a former
  /// process left open, and goes on with work on keys that was not at its end.
  ///
  /// - Parameters:
  ///   - actor: who opens it; nil for a start that needs nobody, and leaves no entry.
  ///   - progress: told how many records have been opened for the index.
  /// - Throws: ``VaultError/notSealed``; what keyring, cards and store throw: it stays sealed then.
  package func unseal(
    with keyring: Keyring, actor: String?, progress: (Int) -> Void = { _ in }
  ) throws {
    try opening.open {
      let keys = try LiveKeyring(keyring, in: store, sealBound: rules.sealBound)
      let opened = try OpenedVault(
        store: store, keys: keys, slots: slots, watch: core.watch, clock: core.clock,
        digitLimits: digitLimits, digitFigures: core.digitFigures, progress: progress)
      try store.perform { [core, rules] transaction in
        // What was read before may be older than what another process of opening has left.
        guard
          try KeyringStore.header(in: transaction)?.generation == keyring.generation
        else { throw VaultError.keyringHasChanged }
        core.put(opened)
        try core.addMissingRoles(to: keys, rules.cryptoperiods, in: &transaction)
        try core.noteUncovered(in: &transaction)
        try core.closeOpenPayments(in: &transaction)
        guard let actor else { return }
        try core.record(
          AuditEntry(
            actor: actor, operation: AuditWord.Operation.unseal,
            key: keyring.keyEncryptionKeyIdentifier.text, outcome: AuditWord.Outcome.done),
          in: &transaction)
      }
      return Opening.Session(opened: opened, worker: makeWorker(keys))
    }
    custody.vaultWasOpened()
  }

  /// Closes the keyring: requests are refused from now on, payments that are under way end, and no key
  /// is left in memory.
  ///
  /// - Throws: ``VaultError/sealed``; ``VaultError/paymentsUnderWay``, `StorageError`: it stays open
  ///   then.
  package func seal(actor: String, patience: Duration = Vault.sealingPatience) throws {
    try opening.seal(restarting: { makeWorker($0.keys) }) { session in
      try waitForPayments(patience)
      let key = session.keys.current.keyEncryptionKeyIdentifier
      try store.perform { [self, core] transaction in
        // One that came while the others were waited for would lose its outcome.
        guard paymentsInFlight == 0 else { throw VaultError.paymentsUnderWay }
        try core.record(
          AuditEntry(
            actor: actor, operation: AuditWord.Operation.seal, key: key.text,
            outcome: AuditWord.Outcome.done), in: &transaction)
        try core.signCheckpoint(stays: true, in: &transaction)
        core.sealAfterBatch()
      }
    }
    custody.vaultWasSealed()
  }

  private func makeWorker(_ keys: LiveKeyring) -> KeyWorker {
    KeyWorker(
      store: store, core: core, keys: keys, slots: slots, upkeep: upkeep,
      eraseKeyEncryptionKey: eraseKeyEncryptionKey, explain: explain)
  }

  private func waitForPayments(_ patience: Duration) throws(VaultError) {
    let end = ContinuousClock.now + patience
    while paymentsInFlight > 0 {
      guard ContinuousClock.now < end else { throw .paymentsUnderWay }
      var request = timespec(tv_sec: 0, tv_nsec: Self.lookNanoseconds)
      unsafe nanosleep(&request, nil)
    }
  }
}
