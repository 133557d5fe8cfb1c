import Bytes
import LMDB
import Synchronization
import SystemCalls

/// `cards.mdb` as it was opened once: the environment and the tables in it. A compaction begins
/// another one. Snapshots hold theirs, so that it is closed when the last of them has ended.
final class Generation: Sendable {
  let environment: Environment
  let tables: Tables
  let proofs: ContentProofs
  /// What the file does not have, since it is open for reading only: what the journal has.
  private let changes: SharedChanges

  /// Opens the file `path` and every table in it, which are made when `creating`. What is known of its
  /// contents is `proofs`.
  init(
    path: String, options: Environment.Options, creating: Bool = false,
    proofs: ContentProofs = ContentProofs()
  ) throws(LMDBError) {
    self.proofs = proofs
    environment = try Environment(path: path, options: options)
    tables = try Tables(of: environment, creating: creating)
    changes = .none
  }

  /// The same file, as it is with `changes`.
  init(_ file: Generation, with changes: consuming WriteSet) {
    environment = file.environment
    tables = file.tables
    proofs = file.proofs
    self.changes = SharedChanges(changes)
  }

  /// A snapshot; one that could not begin fails at its first use.
  func beginReadOrFail() -> StoreReadTransaction {
    StoreReadTransaction(base: environment.beginReadOrFail(), tables: tables, shared: changes)
  }

  /// A snapshot that fails at its first use, since it would not see everything.
  func failingRead(since error: StorageError) -> StoreReadTransaction {
    let kind: LMDBError.Kind = error.isOfRoom ? .noSpace : .panic
    return StoreReadTransaction(
      base: environment.failingRead(with: LMDBError(kind, in: .begin)), tables: tables,
      shared: .none)
  }

  /// A snapshot of what a copy of the store is to hold: a file that alone is the truth.
  func beginReadForCopy() throws(StorageError) -> StoreReadTransaction {
    var set = changes.copy()
    let (key, row) = (StoreFormat.key, JournalRow.key)
    let format = StoreFormat.whole.bytes
    do throws(LMDBError) {
      try set.put(key: key.rawSpan, value: format.rawSpan, in: .meta, appends: false)
      try set.remove(row.rawSpan, in: .meta)
    } catch { throw StorageError(error) }
    return StoreReadTransaction(
      base: environment.beginReadOrFail(), tables: tables, shared: SharedChanges(set))
  }

  /// The writing transaction, on a file that no compaction can replace meanwhile.
  func beginWrite() throws(StorageError) -> StoreWriteTransaction {
    StoreWriteTransaction(try engine(environment.beginWrite()), tables: tables, proofs: proofs)
  }

  /// Where the file is.
  var directory: String { Directory.containing(environment.path) }

  /// Greatest size of the file in bytes.
  func mapSize() throws(StorageError) -> Int {
    try engine(environment.information().mapSize)
  }

  /// Why nothing may be written to the file any more, where its name does not lead to it, or it has been
  /// cut off. What the system does not tell is no reason.
  var loss: StorageError? {
    if (try? environment.hasItsName()) == false { return .fileReplaced(file: environment.path) }
    return cut
  }

  /// The same, where it has been cut off: what is written next may make it as long as it was.
  var cut: StorageError? { environment.isCutOff ? .truncated(file: environment.path) : nil }

  /// What is behind an error: where it tells of damage, the file may have been cut off or replaced.
  func cause(of error: StorageError) -> StorageError {
    // The index, or a copy, is another file.
    if case .damaged(let file, _) = error, file != environment.path { return error }
    return error.tellsOfDamage ? loss ?? error : error
  }

  /// Length of the file in bytes.
  func fileBytes() throws(StorageError) -> Int { try engine(environment.fileSize()) }
}

/// The generation that counts now.
final class CurrentGeneration: Sendable {
  private struct State {
    var generation: Generation
    var isWritable = true
    /// Why nothing may be written any more, where the disk did not say so itself.
    var cause: StorageError?
  }

  private let state: Mutex<State>

  init(_ generation: Generation) { state = Mutex(State(generation: generation)) }

  var value: Generation { state.withLock { $0.generation } }

  /// Puts `generation` in the place of the current one. Only while the current one's writing
  /// transaction is held, so that nothing can be written between the copy and this.
  func publish(_ generation: Generation) { state.withLock { $0.generation = generation } }

  /// Lets nothing be written any more: which file the next start will find is not known.
  func endWriting() { state.withLock { $0.isWritable = false } }

  /// The same, with the reason.
  func endWriting(because cause: StorageError) {
    state.withLock {
      $0.isWritable = false
      $0.cause = $0.cause ?? cause
    }
  }

  /// Whether anything may be written still.
  var isWritable: Bool { state.withLock { $0.isWritable } }

  /// Why nothing may be written any more, where ``endWriting(because:)`` was called.
  var cause: StorageError? { state.withLock { $0.cause } }

  /// Begins the one writing transaction, waiting for another to end.
  /// - Throws: ``LMDBError/Kind/panic`` when nothing may be written any more.
  func beginWrite() throws(LMDBError) -> StoreWriteTransaction {
    let begun = try beginEngineWrite()
    let generation = begun.generation
    return StoreWriteTransaction(begun.base, tables: generation.tables, proofs: generation.proofs)
  }

  /// Begins the engine's own, and says of which file it is.
  func beginEngineWrite() throws(LMDBError) -> EngineWrite {
    while true {
      let generation = value
      let transaction = try generation.environment.beginWrite()
      // A compaction may have ended while this waited: what is written to the old file is lost.
      let (isCurrent, isWritable) = state.withLock {
        ($0.generation === generation, $0.isWritable)
      }
      guard isWritable else { throw LMDBError(.panic, in: .begin) }
      if isCurrent { return EngineWrite(base: transaction, generation: generation) }
    }
  }
}

/// The engine's writing transaction, and on which file.
struct EngineWrite: ~Copyable {
  var base: WriteTransaction
  let generation: Generation
}
