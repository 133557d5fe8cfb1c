package import AuditLog
package import Ledgers
package import Storage
import Synchronization
package import VaultCore

/// Work on the store as a whole, of which one piece runs at a time: backups and compaction.
///
/// A running service has it over its writer, ``VaultManager/upkeep``; a command that opened the store
/// itself, over a log of its own, ``offline(_:clock:)``. Its functions wait for the disk: not for the
/// writer's thread or an event loop.
package struct StoreUpkeep: Sendable {
  /// Lets one in at a time.
  package final class Gate: Sendable {
    private let isTaken = Mutex(false)

    /// An open gate.
    package init() {}

    func enter() -> Bool {
      isTaken.withLock { isTaken in
        defer { isTaken = true }
        return !isTaken
      }
    }

    func leave() { isTaken.withLock { $0 = false } }
  }

  private enum Writer: Sendable {
    /// With what says whether somebody waits for the writer to seal the vault.
    case running(Books, isBeingSealed: @Sendable () -> Bool)
    case offline(OfflineLog)
  }

  /// The store that is looked after.
  package let store: Store
  let clock: Clock
  private let writer: Writer
  private let gate: Gate

  /// Over the writer of a running vault.
  init(of vault: Vault, gate: Gate) {
    store = vault.store
    clock = vault.books.clock
    // A vault that is open has this among its work.
    writer = .running(vault.books) { [weak vault] in vault?.isBeingSealed == true }
    self.gate = gate
  }

  private init(offline store: Store, clock: Clock) throws(VaultError) {
    self.store = store
    self.clock = clock
    writer = .offline(try OfflineLog(store, clock: clock))
    gate = Gate()
  }

  /// For a store that this process has opened for writing, and no service works with.
  ///
  /// - Throws: `AuditError` where the log cannot be taken up.
  package static func offline(_ store: Store, clock: Clock) throws(VaultError) -> StoreUpkeep {
    try StoreUpkeep(offline: store, clock: clock)
  }

  /// Changes the store and appends the entry about it, in one durable transaction. The change may be
  /// made more than once.
  func write<R: Sendable>(
    _ body: @escaping @Sendable (inout StoreWriteTransaction) throws(VaultError) -> (R, AuditEntry)
  ) throws(VaultError) -> R {
    switch writer {
    case .running(let books, _):
      try store.perform { (transaction) throws(VaultError) in
        let (result, entry) = try body(&transaction)
        try books.record(entry, in: &transaction)
        return result
      }
    case .offline(let log): try log.write(body)
    }
  }

  /// Runs `body` while no other such work runs.
  ///
  /// - Throws: ``VaultError/upkeepUnderWay``, or what `body` throws.
  package func exclusively<R>(_ body: () throws(VaultError) -> R) throws(VaultError) -> R {
    try begin()
    defer { end() }
    return try body()
  }

  /// Begins such work; ``end()`` ends it.
  ///
  /// - Throws: ``VaultError/upkeepUnderWay`` while other such work runs.
  package func begin() throws(VaultError) {
    guard gate.enter() else { throw .upkeepUnderWay }
  }

  /// Lets other such work begin.
  package func end() { gate.leave() }

  /// Compacts the store, with an entry before and one after: see `Store.compact(progress:)`.
  ///
  /// - Parameters:
  ///   - actor: who asks, as entries name them.
  ///   - progress: called on the thread that compacts, while nothing can be written: it must not
  ///     wait for anybody. False stops the compaction, and so does a sealing.
  /// - Throws: ``VaultError/upkeepUnderWay``, `StorageError`. After an error other than
  ///   `StorageError.writingEnded` the store is as it was.
  package func compact(
    because reason: KeyReason = .none, actor: AuditActor,
    progress: @escaping (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(VaultError) -> CompactionResult {
    try exclusively { () throws(VaultError) in
      let operation = AuditOperation.storeCompact
      try note(
        AuditEntry(actor: actor, operation: operation, outcome: .begun, reason: reason.whole))
      let result: CompactionResult
      do throws(StorageError) {
        result = try store.compact { done, total in
          !isBeingSealed && progress(done, total)
        }
      } catch {
        // What happened is told to who asked; where nothing can be written, no entry can be.
        try? note(
          AuditEntry(actor: actor, operation: operation, outcome: Self.outcome(of: .store(error))))
        throw .store(error)
      }
      try note(
        AuditEntry(
          actor: actor, operation: operation, outcome: .done,
          reason: "bytes_before=\(result.bytesBefore) bytes_after=\(result.bytesAfter) "
            + "paused_ms=\(result.nanosecondsPaused / 1_000_000)"))
      return result
    }
  }

  private var isBeingSealed: Bool {
    switch writer {
    case .running(_, let isBeingSealed): isBeingSealed()
    case .offline: false
    }
  }

  func note(_ entry: AuditEntry) throws(VaultError) {
    try write { (_) throws(VaultError) in ((), entry) }
  }

  /// How an entry calls the end of work that threw `error`.
  static func outcome(of error: VaultError) -> AuditOutcome {
    error == .store(.cancelled) ? .stopped : .failed
  }
}

/// The log of a store that no service works with, and the clocks: a service that starts later goes by
/// the log's last time, which may be made here.
///
/// `@unchecked Sendable`: all but ``turn`` is touched with that held, alone.
private final class OfflineLog: BatchParticipant, @unchecked Sendable {
  private let store: Store
  private let clock: Clock
  private let audit: AuditLog
  private let watch: ClockWatch
  private let turn = Mutex(())

  init(_ store: Store, clock: Clock) throws(VaultError) {
    try onLog(LogTree.addMissingNodes(to: store))
    self.store = store
    self.clock = clock
    audit = try onLog(AuditLog(restoringFrom: store))
    watch = try onStore(ClockWatch(clock, log: audit, store: store))
  }

  /// Commits what `body` does, and the entry that it returns.
  func write<R: Sendable>(
    _ body: @Sendable (inout StoreWriteTransaction) throws(VaultError) -> (R, AuditEntry)
  ) throws(VaultError) -> R {
    try turn.withLock { (_) throws(VaultError) in
      try store.write(as: self) { (transaction) throws(VaultError) in
        let (result, entry) = try body(&transaction)
        _ = try onStore(
          audit.append(entry, atMilliseconds: clock.milliseconds(), in: &transaction))
        watch.rowIsDue()
        return result
      }
    }
  }

  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    try watch.keepRow(logEndsAt: audit.pendingMilliseconds, in: &transaction)
    try audit.batchWillCommit(&transaction)
  }

  func batchDidCommit() {
    audit.batchDidCommit()
    watch.batchDidCommit()
  }

  func batchDidAbort() {
    audit.batchDidAbort()
    watch.batchDidAbort()
  }
}

extension VaultManager {
  /// Work on the store as a whole.
  package var upkeep: StoreUpkeep { StoreUpkeep(of: vault, gate: upkeepGate) }
}
