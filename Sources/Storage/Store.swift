import Glibc
import LMDB
import Synchronization

/// The sixteen random bytes that tell one store from another.
package struct StoreIdentifier: Equatable, Hashable, Sendable {
  /// Sixteen bytes.
  package let bytes: [UInt8]

  /// Nil unless `bytes` are sixteen.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }
}

/// The store: `cards.mdb`, which holds the truth, `index.mdb`, which is derived from it, and the
/// one thread that writes.
///
/// A directory (mode 0700) holds both files (0600), LMDB's `-lock` beside each, and `lock`, which
/// one process at a time holds. The store is closed when the last reference to it goes.
package final class Store: Sendable {
  /// How a store is opened.
  package struct Options: Sendable {
    /// Opens `cards.mdb` for reading only; the writer cannot be started then. `index.mdb` is
    /// derived, and is recreated when it has to be.
    package var isReadOnly = false
    /// Reads every page of `cards.mdb` before it is opened, however large it is; otherwise up to 16 MiB, and
    /// of a larger one the upper pages.
    package var checksWhole = false
    /// How large a file is read whole where `checksWhole` does not say so, in bytes; nil for 16 MiB.
    package var checksWholeUpTo: Int?
    /// Greatest size of `index.mdb` in bytes; that of `cards.mdb` where it is nil.
    package var indexMapSize: Int?

    package init(isReadOnly: Bool = false, indexMapSize: Int? = nil) {
      self.isReadOnly = isReadOnly
      self.indexMapSize = indexMapSize
    }
  }

  package let directory: String
  /// Which store this is; kept in `meta`.
  package let storeIdentifier: StoreIdentifier
  /// The derived index. A store that was opened as a copy, or where nothing can be written, may have
  /// none, and is not asked for it: see ``indexWasLost``.
  /// - Throws: ``StorageError/full`` where there was no room to begin it, see ``replaceIndex()``.
  package var index: StoreIndex {
    get throws(StorageError) {
      switch derived.withLock({ $0 }) {
      case .open(let index): return index
      case .withoutRoom: throw .full
      case .lost, .none: preconditionFailure("this store has no index")
      }
    }
  }
  /// The derived index, where there is one that is open.
  var optionalIndex: StoreIndex? {
    derived.withLock { if case .open(let index) = $0 { index } else { nil } }
  }
  /// Whether there is an index that can be asked.
  package var hasIndex: Bool { optionalIndex != nil }
  /// What has happened to the index since the store was opened.
  package var indexHistory: IndexHistory.Figures { history.figures }
  /// Why `index.mdb` was begun anew, or is not there; nil where the one that was there is in use, and for
  /// a copy.
  package var indexLoss: StoreIndex.Loss? {
    derived.withLock { derived in
      switch derived {
      case .open(let index): index.loss
      case .withoutRoom: .missing
      case .lost(let loss): loss
      case .none: nil
      }
    }
  }
  /// True when `index.mdb` was missing, damaged or of another store, and is empty or not there now.
  package var indexWasLost: Bool { indexLoss != nil }

  /// What there is of the index.
  enum Derived: Sendable {
    case open(StoreIndex)
    /// There was no room to begin it, of at most so many bytes.
    case withoutRoom(mapSize: Int)
    /// It cannot be used, nor be begun anew, since nothing can be written.
    case lost(StoreIndex.Loss)
    /// A copy has none.
    case none
  }

  let generations: CurrentGeneration
  private let derived: Mutex<Derived>
  private let history: IndexHistory
  private let gate = SnapshotGate()
  private let writer: Writer
  private let isReadOnly: Bool
  /// For want of which room the writer works without a journal.
  private let lacking = Mutex<StorageError?>(nil)
  // Last, so that it is given up after the environments are closed.
  private let lock: StoreLock?

  init(
    directory: String, identifier: StoreIdentifier, generation: Generation, index: Derived,
    history: IndexHistory = IndexHistory(), isReadOnly: Bool, lock: StoreLock?
  ) {
    self.directory = directory
    self.storeIdentifier = identifier
    generations = CurrentGeneration(generation)
    derived = Mutex(index)
    self.history = history
    self.isReadOnly = isReadOnly
    self.lock = lock
    writer = Writer(generations: generations, directory: directory, gate: gate, lock: lock)
  }

  deinit { writer.stop() }

  /// Lends a snapshot of the store to `body`, on any thread but the writer's. Keep it short: as long as it
  /// lives, freed pages cannot be used again. A snapshot that could not begin fails at its first use, so
  /// that this function throws what `body` throws and nothing else.
  ///
  /// It is never older than what was acknowledged before: where LMDB lacks something, it waits until that
  /// is committed, some milliseconds. Not on an event loop.
  package func read<R: ~Copyable, E: Error>(
    _ body: (borrowing StoreReadTransaction) throws(E) -> R
  ) throws(E) -> R {
    do throws(StorageError) { try gate.pass(askForCommit: writer.askForCommit) } catch {
      return try body(generations.value.failingRead(since: error))
    }
    return try body(generations.value.beginReadOrFail())
  }

  /// The same for the later pieces of a walk, whose first ``read(_:)`` has waited: a snapshot that is at
  /// least as new as the one before, and never waits.
  package func readOn<R: ~Copyable, E: Error>(
    _ body: (borrowing StoreReadTransaction) throws(E) -> R
  ) throws(E) -> R {
    try body(generations.value.beginReadOrFail())
  }

  /// Whether a snapshot that begins now sees all that was acknowledged; where not, ``read(_:)`` would wait.
  package var isCommitted: Bool { gate.isOpen }

  /// The file, after LMDB has everything that was acknowledged.
  func committedGeneration() throws(StorageError) -> Generation {
    try gate.pass(askForCommit: writer.askForCommit)
    return generations.value
  }

  /// Lends a write transaction to `body`, on this thread, and commits when it returns: for commands
  /// that work on a store without the writer's thread.
  /// - Throws: what `body` throws, and in its type the store's own error; after an error nothing has
  ///   changed.
  package func write<R: ~Copyable, E: StoreFailure>(
    _ body: (inout StoreWriteTransaction) throws(E) -> R
  ) throws(E) -> R {
    precondition(!writer.isRunning, "a store is written to beside its writer")
    var transaction: StoreWriteTransaction
    do throws(LMDBError) { transaction = try generations.beginWrite() } catch {
      throw .store(StorageError(error))
    }
    let result = try body(&transaction)
    do throws(LMDBError) { try transaction.commit() } catch { throw .store(StorageError(error)) }
    return result
  }

  /// Commits what `body` does as one batch of `participant`, on this thread: in a store without the
  /// writer's thread.
  /// - Throws: what `body` throws, or ``StorageError`` in it; after an error nothing has changed.
  package func write<R, E: StoreFailure>(
    as participant: some BatchParticipant,
    _ body: (inout StoreWriteTransaction) throws(E) -> R
  ) throws(E) -> R {
    do throws(E) {
      let result = try write { (transaction) throws(E) in
        let result = try body(&transaction)
        do throws(StorageError) {
          try participant.batchWillCommit(&transaction)
        } catch { throw .store(error) }
        return result
      }
      participant.batchDidCommit()
      return result
    } catch {
      participant.batchDidAbort()
      throw error
    }
  }

  /// Sets `index.mdb` aside, which cannot be read, and begins an empty one, which is ``index`` from
  /// then on. Who holds the one before goes on with a file that nobody will open again. Where there was
  /// no room for one, tries again.
  package func replaceIndex() throws(StorageError) {
    let new: StoreIndex
    switch derived.withLock({ $0 }) {
    case .open(let before): new = try before.replacement(for: storeIdentifier)
    case .withoutRoom(let mapSize):
      new = try StoreIndex.open(
        directory: directory, identifier: storeIdentifier, mapSize: mapSize, history: history)
    case .lost, .none: preconditionFailure("this store has no index")
    }
    derived.withLock { $0 = .open(new) }
  }

  /// Bytes that are missing until ``index`` has room for every card, where it knows as many as it has
  /// entries, and `waiting` wait to be written; 0 where none is. An estimate, on any thread.
  package func indexLackingBytes(waiting: Int? = nil) -> Int {
    let cards =
      (try? readOn { (transaction) throws(StorageError) in try transaction.count(of: .cards) }) ?? 0
    switch derived.withLock({ $0 }) {
    case .open(let index):
      let known = StoreIndex.Slot.allCases.compactMap { try? index.count(of: $0) }.max() ?? 0
      return index.lackingBytes(forEntries: waiting ?? max(0, cards - known))
    case .withoutRoom:
      return StoreIndex.lackingBytes(
        forEntries: cards, used: 0, available: Files.availableBytes(beside: directory) ?? .max)
    case .lost, .none: return 0
    }
  }

  /// What is behind an error that was met here: where it tells of damage, `cards.mdb` may have been cut off
  /// or replaced, and that is told instead.
  package func cause(of error: StorageError) -> StorageError {
    generations.value.cause(of: error)
  }

  /// Has the index built anew by who looks things up in it, since it cannot be relied on.
  package func condemnIndex(_ reason: String) { optionalIndex?.condemn(reason) }

  /// Lets nothing be written any more, as after an error of the disk: for who has found that the file is
  /// damaged. What is read goes on; `onEnd` is called with `cause`.
  package func endWriting(because cause: StorageError) {
    generations.endWriting(because: generations.value.cause(of: cause))
    // Where nobody else has the writer look.
    submit(.reserved) { (_) throws(StorageError) in }
  }

  /// Starts the writer's thread. Once in the life of a store.
  ///
  /// `participant` keeps what is written once for each batch. `onEnd` is called once, on the writer's
  /// thread, with the cause, when nothing will be written any more; the process should end.
  /// - Throws: ``StorageError/system(call:path:errno:)`` when there is no thread to be had, and with
  ///   `EROFS` for a store that was opened for reading.
  package func startWriter(
    participant: (any BatchParticipant)? = nil, limits: WriterLimits = WriterLimits(),
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws(StorageError) {
    guard !isReadOnly else { throw .system(call: "startWriter", errno: EROFS) }
    let journal = try beginJournal(limits.journal)
    lacking.withLock { lacking in
      switch journal {
      case .journal: lacking = nil
      case .none(let error):
        lacking = error ?? .noRoom(file: JournalFile.path(in: directory), .mapSize)
      }
    }
    try writer.start(participant: participant, limits: limits, journal: journal, onEnd: onEnd)
  }

  /// Why the writer works without a journal: there was no room for one, or the map is too small for it; nil
  /// where it has one.
  package var journalLack: StorageError? { lacking.withLock { $0 } }

  /// What the journal has and LMDB does not.
  package var pendingFrames: PendingFrames { gate.pending }

  /// Puts zeros in the place of what the journal holds, durable, after LMDB has it: what was deleted before
  /// is in no frame any more. Not from the writer's thread or an event loop.
  package func eraseJournal() throws(StorageError) { try writer.eraseJournal() }

  /// Whether ordinary jobs are refused for want of room; as of the writer's last batch.
  var isRefusingForRoom: Bool { writer.isRefusingForRoom }

  /// Hands `job` to the writer. Never blocks; the order of jobs is kept.
  ///
  /// A job that is not accepted completes at once, on this thread: with ``StorageError/overloaded``
  /// when the queue is full, with ``StorageError/stopped`` or ``StorageError/writingEnded``.
  package func submit(_ job: any WriteJob) { writer.submit(job) }

  /// Stops the writer: what was accepted is committed and completed, then the thread is joined.
  package func stopWriter() { writer.stop() }

  /// Puts a copy of `cards.mdb` that holds nothing but what lives in its place, and returns when that
  /// is durable: what was changed or deleted before is in no page of the store any more.
  ///
  /// Runs between two batches of the writer, on its thread, or on this one where none runs. Jobs go
  /// on being accepted and wait; none fails for it. Reading goes on; a snapshot that is open keeps
  /// the old file, which lies on the disk until the last of them has ended. While it runs, the disk
  /// holds both files. Not from the writer's thread or an event loop.
  /// - Parameter progress: called on the thread that compacts, with entries written and in all;
  ///   false stops it. Must not write to the store.
  /// - Throws: ``StorageError/writingEnded`` when the disk failed after the copy was given its name:
  ///   nothing is written any more, and `onEnd` is called. After any other error all is as it was:
  ///   ``StorageError/full``, ``StorageError/cancelled``, ``StorageError/stopped`` when the writer is
  ///   stopped meanwhile, ``StorageError/damaged(file:page:)``, ``StorageError/system(call:path:errno:)``,
  ///   which is `EROFS` for a store that was opened for reading.
  package func compact(
    progress: @escaping (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(StorageError) -> CompactionResult {
    guard !isReadOnly else { throw .system(call: "compact", errno: EROFS) }
    return try writer.compact(progress: progress)
  }
}
