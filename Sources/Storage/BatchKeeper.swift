import Bytes
import LMDB
import SystemCalls

/// Makes batches durable, on the writer's thread: as a frame of the journal, with LMDB's transaction left
/// open for many of them, or in LMDB itself.
struct BatchKeeper: ~Copyable {
  /// Why a batch was not kept. Nothing of it is stored.
  enum Failure: Error {
    /// There was no room in the map or on the disk.
    case outOfRoom
    /// No job is to blame, and later batches may succeed.
    case batchFailed(StorageError)
    /// Nothing may be written any more, and why.
    case ended(StorageError)
  }

  /// What has gone into LMDB's transaction.
  private struct Contents {
    let generation: Generation
    var bound: PageBound
    /// Batches in it, all of them in the journal.
    var frames = 0
    /// When the first of them became durable, on the monotonic clock.
    var sinceNanoseconds: UInt64 = 0
  }

  private let generations: CurrentGeneration
  private let gate: SnapshotGate
  private let limits: JournalLimits
  /// Pages that a commit of LMDB may take at most for batches that are in the journal.
  let mostPages: Int
  private let journal: Journal?
  /// LMDB's transaction. Nil where none is open, while a batch has it, and where LMDB has given it up.
  private var base: WriteTransaction?
  /// Nil where none is open.
  private var open: Contents?
  private var hasBase = false
  /// The one of the last batch.
  private var emptySet: WriteSet?
  /// The file of the last commit, and what it says of its newest transaction since.
  private var lastCommit: (generation: Generation, transaction: Int)?
  private var lastBatchNanoseconds: UInt64 = 0
  /// Before when LMDB is not committed again, since the disk had no room for it; 0 where it had.
  private var nextTryNanoseconds: UInt64 = 0
  /// Between two tries.
  private static let nanosecondsBetweenTries: UInt64 = 1_000_000_000

  init(
    generations: CurrentGeneration, gate: SnapshotGate, limits: JournalLimits,
    journal: JournalStart
  ) {
    self.generations = generations
    self.gate = gate
    self.limits = limits
    let map = try? generations.value.environment.information()
    mostPages = map.map { limits.pages(forMap: $0.mapSize, pageBytes: $0.pageSize) } ?? 0
    if case .journal(let file, let row) = journal {
      self.journal = Journal(file, after: row)
    } else {
      self.journal = nil
    }
  }

  // MARK: - A batch

  /// Begins a batch, which sees all those before it.
  mutating func begin() throws(Failure) -> StoreWriteTransaction {
    guard generations.isWritable else { throw .ended(ending(LMDBError(.panic, in: .begin))) }
    if open != nil, !hasBase {
      guard nextTryNanoseconds <= SystemClock.monotonicNanoseconds() else { throw .outOfRoom }
      try replay()
    }
    if open == nil { try openAnew() }
    guard let generation = open?.generation, let base = takeBase() else {
      preconditionFailure("a batch is begun while another is being made")
    }
    return StoreWriteTransaction(
      base, emptySet.take() ?? WriteSet(), tables: generation.tables, proofs: generation.proofs)
  }

  /// Throws a batch away; those before it stay.
  mutating func abandon(_ transaction: consuming StoreWriteTransaction) {
    let parts = transaction.takeApart()
    empty(parts.set)
    guard frames > 0 else { return close() }
    // A page that it could not read may have ended the transaction.
    let base = parts.base
    if base.isUsable { give(base) }
  }

  /// Makes a batch durable.
  mutating func keep(
    _ transaction: consuming StoreWriteTransaction, _ room: RoomGuard
  ) throws(Failure) {
    if transaction.isEmpty { return abandon(transaction) }
    let parts = transaction.takeApart()
    let set = parts.set
    give(parts.base)
    lastBatchNanoseconds = SystemClock.monotonicNanoseconds()
    let failure: Failure?
    do throws(Failure) {
      if let bound = try boundInJournal(of: set, room) {
        try write(set, bound)
      } else {
        try commit(set)
      }
      failure = nil
    } catch { failure = error }
    empty(set)
    if let failure { throw failure }
  }

  private mutating func empty(_ set: consuming WriteSet) {
    set.removeAll()
    emptySet = consume set
  }

  /// Batches that are in the journal, and not committed to LMDB.
  private var frames: Int { open?.frames ?? 0 }

  private mutating func openAnew() throws(Failure) {
    do throws(LMDBError) { try openTransaction() } catch { throw .ended(ending(error)) }
  }

  private mutating func openTransaction() throws(LMDBError) {
    let begun = try generations.beginEngineWrite()
    let generation = begun.generation
    open = Contents(
      generation: generation, bound: try PageBound(begun.base, generation.tables))
    give(begun.base)
  }

  private mutating func give(_ base: consuming WriteTransaction) {
    self.base = consume base
    hasBase = true
  }

  private mutating func takeBase() -> WriteTransaction? {
    hasBase = false
    return base.take()
  }

  /// Gives LMDB's transaction up.
  private mutating func close() {
    _ = takeBase()
    open = nil
  }

  // MARK: - In the journal

  /// What the open transaction comes to with a batch, where that goes into the journal; nil where it is to be
  /// LMDB's own. Commits what is there before, if that makes room for it.
  private mutating func boundInJournal(
    of set: borrowing WriteSet, _ room: RoomGuard
  ) throws(Failure) -> PageBound? {
    guard journal?.isUsable == true, set[.keyring].isEmpty else { return nil }
    let rowBytes = set.rows.count
    guard rowBytes <= Journal.mostRowBytes else { return nil }
    if let bound = fitting(set, rowBytes, room) { return bound }
    guard frames > 0 else { return nil }
    try commitOpen()
    try openAnew()
    return fitting(set, rowBytes, room)
  }

  private func fitting(
    _ set: borrowing WriteSet, _ rowBytes: Int, _ room: RoomGuard
  ) -> PageBound? {
    guard var bound = open?.bound, journal?.hasRoom(forRowBytes: rowBytes) == true else {
      return nil
    }
    bound.add(set)
    let isWithin = bound.pages <= mostPages && bound.scatteredRows <= limits.scatteredRows
    return isWithin && room.isCertain(ofPages: bound.pages) ? bound : nil
  }

  private mutating func write(
    _ set: borrowing WriteSet, _ bound: PageBound
  ) throws(Failure) {
    do throws(LMDBError) { try apply(set) } catch {
      try replay()
      throw error.isOutOfSpace ? .outOfRoom : .batchFailed(StorageError(error))
    }
    do throws(Journal.Failure) { try journal?.append(set) } catch {
      switch error {
      case .ended(let cause): throw .ended(cause)
      case .noRoom: return try commitWithoutFrame()
      }
    }
    if frames == 0 { open?.sinceNanoseconds = lastBatchNanoseconds }
    open?.frames += 1
    open?.bound = bound
    gate.noteAcknowledged(atNanoseconds: lastBatchNanoseconds)
    guard journal?.isUsable == false else { return }
    // Without its mark. What LMDB finds no room for is in the frame all the same.
    do throws(Failure) { try commitOpen() } catch {
      if case .ended = error { throw error }
    }
  }

  /// Commits what is open, with a batch that has got no frame.
  private mutating func commitWithoutFrame() throws(Failure) {
    do throws(LMDBError) { try commitOpen(takesBatch: true) } catch {
      guard error.isOutOfSpace else { throw .ended(ending(error)) }
      throw .outOfRoom
    }
    gate.noteAcknowledged(atNanoseconds: lastBatchNanoseconds)
    gate.noteCommitted()
  }

  /// Hands a batch to LMDB's transaction.
  private mutating func apply(_ set: borrowing WriteSet) throws(LMDBError) {
    guard let tables = open?.generation.tables, var base = takeBase() else {
      preconditionFailure("a batch is applied to no transaction")
    }
    // Where it throws, the transaction holds half of a batch, and is given up.
    try set.apply(to: &base, tables)
    give(base)
  }

  // MARK: - In LMDB

  /// Makes a batch durable in LMDB itself, after what is in the journal.
  private mutating func commit(_ set: borrowing WriteSet) throws(Failure) {
    if frames > 0 {
      try commitOpen()
      try openAnew()
    }
    do throws(LMDBError) {
      try apply(set)
      try commitOpen(takesBatch: true)
    } catch {
      // Without frames, there is nothing in it but the batch.
      close()
      if error.isOutOfSpace { throw .outOfRoom }
      // Before anything was written.
      if error.kind == .transactionFailed || error.call != .commit && !error.endsWriting {
        throw .batchFailed(StorageError(error))
      }
      throw .ended(ending(error))
    }
    gate.noteAcknowledged(atNanoseconds: lastBatchNanoseconds)
    gate.noteCommitted()
  }

  /// Commits what is in the journal to LMDB.
  private mutating func commitOpen() throws(Failure) {
    if let overwriting { throw .ended(overwriting) }
    do throws(LMDBError) { try commitOpen(takesBatch: false) } catch {
      throw error.isOutOfSpace ? .outOfRoom : .ended(ending(error))
    }
    gate.noteCommitted()
  }

  /// Commits the open transaction, and says in it which frames it contains. After an error it is given up, and
  /// what is in the journal is in it no more.
  ///
  /// - Parameters:
  ///   - takesBatch: whether it holds a batch that has no frame.
  ///   - format: what the store's format is from then on, where it changes.
  private mutating func commitOpen(
    takesBatch: Bool, format: StoreFormat? = nil
  ) throws(LMDBError) {
    guard let generation = open?.generation, var base = takeBase() else {
      preconditionFailure("there is nothing to commit")
    }
    let meta = generation.tables[.meta]
    let place = journal?.place ?? 0
    do throws(LMDBError) {
      let row = takesBatch ? try stepRow() : journal?.row
      if let row { try row.put(in: &base, meta) }
      if let format { try format.put(in: &base, meta) }
      try base.commit()
      open = nil
      nextTryNanoseconds = 0
      if let row { try journalDidCommit(row) }
    } catch {
      journal?.didNotCommit(placeBefore: place)
      throw error
    }
    lastCommit = (try? generation.environment.information()).map {
      (generation, $0.lastTransaction)
    }
  }

  private func stepRow() throws(LMDBError) -> JournalRow? {
    do throws(StorageError) { return try journal?.rowOfStep() } catch {
      generations.endWriting(because: error)
      throw LMDBError(.ioError, in: .commit)
    }
  }

  private func journalDidCommit(_ row: JournalRow) throws(LMDBError) {
    do throws(StorageError) { try journal?.didCommit(row) } catch {
      generations.endWriting(because: error)
      throw LMDBError(.ioError, in: .commit)
    }
  }

  /// Gives LMDB's transaction up, and brings LMDB to where the journal is.
  ///
  /// - Throws: ``Failure/outOfRoom``, after which the journal has what LMDB lacks, and this is tried again.
  private mutating func replay() throws(Failure) {
    let (frames, since) = (frames, open?.sinceNanoseconds ?? 0)
    close()
    guard let journal, frames > 0 else { return }
    try openAnew()
    open?.frames = frames
    open?.sinceNanoseconds = since
    guard let tables = open?.generation.tables, var base = takeBase() else { return }
    // Until it has succeeded.
    nextTryNanoseconds = SystemClock.monotonicNanoseconds() + Self.nanosecondsBetweenTries
    do throws(StorageError) { try journal.replay(into: &base, tables) } catch {
      throw error.isOfRoom ? .outOfRoom : .ended(error)
    }
    give(base)
    // A frame that nobody was told of may stand behind the last one: nothing follows it from now on.
    do throws(LMDBError) { try commitOpen(takesBatch: true) } catch {
      throw error.isOutOfSpace ? .outOfRoom : .ended(ending(error))
    }
    gate.noteCommitted()
  }

  // MARK: - Between batches

  /// When LMDB is to be committed if no batch comes; nil where it has everything.
  var deadlineNanoseconds: UInt64? {
    guard frames > 0, let since = open?.sinceNanoseconds else { return nil }
    let due = min(since &+ limits.nanoseconds, lastBatchNanoseconds &+ limits.idleNanoseconds)
    return max(due, nextTryNanoseconds)
  }

  /// Commits to LMDB what has been in the journal for long enough.
  mutating func commitWhatIsDue() throws(StorageError) {
    guard let deadlineNanoseconds,
      deadlineNanoseconds <= SystemClock.monotonicNanoseconds()
    else { return }
    _ = try commitEverything()
  }

  /// Commits to LMDB what is in the journal, and leaves no transaction open; false where there is no room for
  /// it, so that it stays in the journal alone.
  /// - Throws: why nothing may be written any more.
  mutating func commitEverything() throws(StorageError) -> Bool {
    guard frames > 0 else {
      close()
      gate.noteCommitted()
      return true
    }
    do throws(Failure) {
      if hasBase { try commitOpen() } else { try replay() }
      return true
    } catch {
      if case .ended(let cause) = error { throw cause }
      gate.noteLackOfRoom()
      nextTryNanoseconds = SystemClock.monotonicNanoseconds() + Self.nanosecondsBetweenTries
      return false
    }
  }

  /// Puts zeros in the place of all frames, after LMDB has them; false where it has no room for them.
  mutating func eraseJournal() throws(StorageError) -> Bool {
    guard try commitEverything() else { return false }
    // One of an earlier start may lie there, and nobody needs it.
    guard let journal else { return try JournalFile.erase(in: generations.value.directory) }
    // What LMDB has then is told by a frame without rows, which stays.
    do throws(LMDBError) {
      try openTransaction()
      try commitOpen(takesBatch: true)
    } catch {
      close()
      if error.isOutOfSpace { return false }
      throw ending(error)
    }
    return try JournalFile.hasRoom { () throws(StorageError) in try journal.erase() }
  }

  /// Leaves a store of which `cards.mdb` is all, if there is room for that.
  mutating func finish() throws(StorageError) {
    guard try commitEverything(), journal != nil else { return }
    do throws(LMDBError) {
      try openTransaction()
      try commitOpen(takesBatch: false, format: .whole)
    } catch {
      close()
      if !error.isOutOfSpace { throw ending(error) }
    }
  }

  // MARK: - The file

  /// Why nothing may be written any more: LMDB's newest transaction is not the one that was committed last,
  /// so somebody has written another file over it.
  var overwriting: StorageError? {
    let generation = generations.value
    guard let lastCommit, lastCommit.generation === generation,
      let figures = try? generation.environment.information(),
      figures.lastTransaction != lastCommit.transaction
    else { return nil }
    return .fileReplaced(file: generation.environment.path)
  }

  /// What has become of the journal's file, where nothing may be written any more.
  var journalLoss: StorageError? { journal?.file.loss }

  /// Pages that the next commit of LMDB may take.
  var pendingPages: Int {
    frames > 0 ? open?.bound.pages ?? 0 : 0
  }

  private func ending(_ cause: LMDBError) -> StorageError {
    generations.cause ?? StorageError(cause: cause, of: generations.value.environment.path)
  }
}
