package import AuditLog
import Keyring
package import Storage
import Synchronization

/// Work on the store as a whole, of which one piece runs at a time: backups and compaction.
///
/// A running service has it over its writer, ``Vault/upkeep``; a command that opened the store itself,
/// over a log of its own, ``offline(_:clock:)``. Its functions wait for the disk: not for the
/// writer's thread or an event loop.
package struct StoreUpkeep: Sendable {
  /// Changes the store and appends the entry about it, in one durable transaction. The change may be
  /// made more than once.
  package typealias LoggedWrite =
    @Sendable (@escaping (inout StoreWriteTransaction) throws -> AuditEntry) throws -> Void

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

  /// The store that is looked after.
  package let store: Store
  let clock: Clock
  let write: LoggedWrite
  private let gate: Gate

  init(store: Store, clock: Clock, gate: Gate, write: @escaping LoggedWrite) {
    self.store = store
    self.clock = clock
    self.gate = gate
    self.write = write
  }

  /// For a store that this process has opened for writing, and no service works with.
  ///
  /// - Throws: `AuditError` where the log cannot be taken up.
  package static func offline(_ store: Store, clock: Clock) throws -> StoreUpkeep {
    try LogTree.addMissingNodes(to: store)
    let log = try OfflineLog(store, clock: clock)
    return StoreUpkeep(store: store, clock: clock, gate: Gate()) { try log.write($0) }
  }

  /// Runs `body` while no other such work runs.
  ///
  /// - Throws: ``VaultError/upkeepUnderWay``, or what `body` throws.
  package func exclusively<R>(_ body: () throws -> R) throws -> R {
    guard gate.enter() else { throw VaultError.upkeepUnderWay }
    defer { gate.leave() }
    return try body()
  }

  /// Compacts the store, with an entry before and one after: see `Store.compact(progress:)`.
  ///
  /// - Parameters:
  ///   - actor: who asks, as entries name them.
  ///   - progress: called on the thread that compacts, while nothing can be written: it must not
  ///     wait for anybody. False stops the compaction.
  /// - Throws: ``VaultError/upkeepUnderWay``, `StorageError`. After an error other than
  ///   `StorageError.writingEnded` the store is as it was.
  package func compact(
    actor: String, progress: @escaping (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> CompactionResult {
    try exclusively {
      let operation = AuditWord.Operation.storeCompact
      try note(AuditEntry(actor: actor, operation: operation, outcome: AuditWord.Outcome.begun))
      let result: CompactionResult
      do throws(StorageError) {
        result = try store.compact(progress: progress)
      } catch {
        // What happened is told to who asked; where nothing can be written, no entry can be.
        try? note(AuditEntry(actor: actor, operation: operation, outcome: Self.outcome(of: error)))
        throw error
      }
      try note(
        AuditEntry(
          actor: actor, operation: operation, outcome: AuditWord.Outcome.done,
          reason: "bytes_before=\(result.bytesBefore) bytes_after=\(result.bytesAfter) "
            + "paused_ms=\(result.nanosecondsPaused / 1_000_000)"))
      return result
    }
  }

  func note(_ entry: AuditEntry) throws { try write { _ in entry } }

  static func outcome(of error: any Error) -> String {
    error as? StorageError == .cancelled ? AuditWord.Outcome.stopped : AuditWord.Outcome.failed
  }
}

/// The log of a store that no service works with, and the clocks: a service that starts later goes by
/// the log's last time, which may be made here.
///
/// `@unchecked Sendable`: `audit` and `watch` are touched under `turn` alone.
private final class OfflineLog: @unchecked Sendable {
  private let store: Store
  private let clock: Clock
  private let audit: AuditLog
  private let watch: ClockWatch
  private let turn = Mutex(())

  init(_ store: Store, clock: Clock) throws {
    self.store = store
    self.clock = clock
    audit = try AuditLog(restoringFrom: store)
    watch = try ClockWatch(clock, log: audit, store: store)
  }

  /// Commits what `body` does, and the entry that it returns.
  func write(_ body: (inout StoreWriteTransaction) throws -> AuditEntry) throws {
    try turn.withLock { _ in
      do {
        try store.write { transaction in
          let entry = try body(&transaction)
          try audit.append(entry, atMilliseconds: clock.milliseconds(), in: &transaction)
          watch.rowIsDue()
          try watch.keepRow(logEndsAt: audit.pendingMilliseconds, in: &transaction)
          try audit.batchWillCommit(&transaction)
        }
        audit.batchDidCommit()
        watch.batchDidCommit()
      } catch {
        audit.batchDidAbort()
        watch.batchDidAbort()
        throw error
      }
    }
  }
}

extension Vault {
  /// Work on the store as a whole.
  package var upkeep: StoreUpkeep {
    StoreUpkeep(store: store, clock: core.clock, gate: upkeepGate) { [store, core] body in
      try store.perform { transaction in
        let entry = try body(&transaction)
        try core.record(entry, in: &transaction)
      }
    }
  }
}
