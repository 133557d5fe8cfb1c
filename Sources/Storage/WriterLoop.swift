import LMDB
import SystemCalls

/// What the writer's thread does: takes what waits, applies it in one transaction, commits, and
/// tells the jobs.
struct WriterLoop: ~Copyable {
  /// How an attempt to commit a batch went. After all but `committed`, nothing of it is stored.
  private enum Outcome {
    case committed
    /// The job at `index` threw; it is completed with that by `tell`.
    case jobFailed(index: Int, tell: () -> Void)
    /// There was no room in the map or on the disk.
    case outOfRoom
    /// No job is to blame, and later batches may succeed.
    case batchFailed(StorageError)
    /// Nothing may be written any more, and why.
    case ended(StorageError)
  }

  /// Batches between two searches for readers whose process is gone.
  private static let batchesBetweenReaderChecks = 1024
  /// Between two looks at whether the store's name leads to its file, while something is written.
  private static let nanosecondsBetweenLooks: UInt64 = 100_000_000
  /// Between two looks at the file while nothing is.
  private static let idleLookNanoseconds: UInt64 = 1_000_000_000

  private let generations: CurrentGeneration
  private let compaction: Compaction
  private let participant: (any BatchParticipant)?
  private let monitor: Monitor<Writer.State>
  private let onEnd: @Sendable (StorageError) -> Void
  private var room: RoomGuard
  private var keeper: BatchKeeper
  private var batchesSinceReaderCheck = 0
  private var isRefusing = false
  private var patience = ReaderPatience()
  private var deferred = DeferredJobs()
  /// When it was last looked whether the store's name leads to its file, on the monotonic clock.
  private var lookedNanoseconds: UInt64 = 0
  /// Why nothing may be written any more.
  private var cause: StorageError?
  private var hasEnded: Bool { cause != nil }

  init(
    generations: CurrentGeneration, compaction: Compaction,
    participant: (any BatchParticipant)?, keeper: consuming BatchKeeper,
    monitor: Monitor<Writer.State>,
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) {
    self.generations = generations
    self.compaction = compaction
    self.participant = participant
    self.keeper = keeper
    room = RoomGuard(environment: generations.value.environment)
    self.monitor = monitor
    self.onEnd = onEnd
  }

  /// Works until the writer is stopped or the disk fails.
  mutating func run() {
    var waiting: [any WriteJob] = []
    while true {
      switch nextTurn(&waiting) {
      case .stop:
        for job in deferred.takeAll() { job.fail(.stopped) }
        step { (keeper) throws(StorageError) in try keeper.finish() }
        if let cause { end([], because: cause) }
        return
      case .compaction(let request): compact(request)
      case .erasure(let request): erase(request)
      case .commit: step { (keeper) throws(StorageError) in _ = try keeper.commitEverything() }
      case .jobs: writeAll(&waiting)
      case nil where !deferred.isEmpty: writeAll(&waiting)
      case nil: cause = loss(at: SystemClock.monotonicNanoseconds()) ?? keeper.overwriting
      }
      step { (keeper) throws(StorageError) in try keeper.commitWhatIsDue() }
      if let cause { return end(deferred.takeAll() + waiting, because: cause) }
    }
  }

  /// Waits for something to do, and moves jobs to `jobs`; nil where there was nothing for a while. It is
  /// to stop when nothing is left.
  private func nextTurn(_ jobs: inout [any WriteJob]) -> Writer.Turn? {
    let longest = deferred.isEmpty ? Self.idleLookNanoseconds : DeferredJobs.pauseNanoseconds
    let latest = min(
      SystemClock.monotonicNanoseconds() + longest, keeper.deadlineNanoseconds ?? .max)
    return monitor.wait(untilNanoseconds: latest) { $0.nextTurn(taking: &jobs) }
  }

  /// Does something between two batches, unless writing has ended.
  private mutating func step(
    _ body: (inout BatchKeeper) throws(StorageError) -> Void
  ) {
    guard cause == nil else { return }
    do throws(StorageError) { try body(&keeper) } catch { cause = error }
  }

  /// Puts zeros in the place of what the journal holds.
  private mutating func erase(_ request: PendingAnswer<Void>) {
    var isDone = false
    step { (keeper) throws(StorageError) in isDone = try keeper.eraseJournal() }
    request.complete(hasEnded ? .failure(.writingEnded) : isDone ? .success(()) : .failure(.full))
  }

  /// Compacts the store while jobs go on being queued; given up when the writer is to stop.
  private mutating func compact(_ request: CompactionRequest) {
    let monitor = monitor
    var isDone = false
    step { (keeper) throws(StorageError) in isDone = try keeper.commitEverything() }
    guard isDone else { return request.answer.complete(.failure(hasEnded ? .writingEnded : .full)) }
    cause = request.run(
      compaction, isStopping: { monitor.withLock { $0.phase == .stopping } },
      erase: { () throws(StorageError) in
        guard try keeper.eraseJournal() else { throw .full }
      })
  }

  private mutating func writeAll(_ waiting: inout [any WriteJob]) {
    if !deferred.isEmpty { waiting = deferred.takeAll() + waiting }
    while !waiting.isEmpty, !hasEnded {
      var batch = nextBatch(from: &waiting)
      write(&batch)
    }
    deferred.endTry()
    if !hasEnded { checkReadersSometimes() }
  }

  /// Moves out of `waiting` the jobs for which there is room now, in their order. Where there is
  /// none but the reserve, the ordinary ones are refused; where the disk has not even that, all.
  private mutating func nextBatch(from waiting: inout [any WriteJob]) -> [any WriteJob] {
    let ordinary = waiting.count { $0.admission == .ordinary }
    room.follow(generations.value.environment)
    // Room for one is looked for where none is wanted, so that it is known when there is some again.
    let admitted: RoomGuard.Admitted
    do throws(LMDBError) {
      admitted = try admit(ordinary: max(ordinary, 1), all: waiting.count)
    } catch {
      cause = ending(error)
      return []
    }
    guard !hasEnded else { return [] }
    note(isRefusing: admitted.ordinary == 0)
    if admitted.ordinary == 0 { refuseOrdinaryJobs(&waiting) }
    guard admitted.all > 0 else {
      for job in waiting { job.fail(.full) }
      waiting.removeAll()
      return []
    }
    var batch: [any WriteJob] = []
    let isShared = admitted.ordinary == 0
    guard isShared || admitted.ordinary < ordinary || admitted.all < waiting.count else {
      swap(&batch, &waiting)
      return batch
    }
    var left = admitted.ordinary
    let end = waiting.firstIndex { job in
      if job.admission == .ordinary { left -= 1 }
      return left < 0
    }
    let count = min(end ?? waiting.endIndex, admitted.all)
    for job in waiting[..<count] {
      if isShared, let client = job.admission.client, !room.takeShare(of: client) {
        guard room.readersKeepRoom, deferred.keep(job) else {
          job.fail(.full)
          continue
        }
      } else {
        batch.append(job)
      }
    }
    waiting.removeFirst(count)
    return batch
  }

  /// How many find room. Where that is less than all, what is in the journal is committed first, and the room
  /// that was kept for it counts.
  private mutating func admit(
    ordinary: Int, all: Int
  ) throws(LMDBError) -> RoomGuard.Admitted {
    let wanted = RoomGuard.Admitted(ordinary: ordinary, all: all)
    let pending = keeper.pendingPages
    let found = try room.admit(
      ordinary: ordinary, all: all, pending: pending, ahead: keeper.mostPages)
    guard pending > 0, found != wanted else { return found }
    step { (keeper) throws(StorageError) in _ = try keeper.commitEverything() }
    return try room.admit(ordinary: ordinary, all: all, ahead: keeper.mostPages)
  }

  /// Waits for those to end who read now and keep freed pages from being used again; false where nobody
  /// does, or they have been waited for long enough.
  private mutating func waitForReaders() -> Bool {
    let environment = generations.value.environment
    return patience.wait { (try? environment.oldestReader()).flatMap { $0 } }
  }

  /// Lets others know whether ordinary jobs are refused for want of room.
  private mutating func note(isRefusing: Bool) {
    guard isRefusing != self.isRefusing else { return }
    self.isRefusing = isRefusing
    monitor.withLock { $0.isRefusingForRoom = isRefusing }
  }

  private func refuseOrdinaryJobs(_ batch: inout [any WriteJob]) {
    for job in batch where job.admission == .ordinary { job.fail(.full) }
    batch.removeAll { $0.admission == .ordinary }
  }

  /// Commits `batch`, without the jobs that fail, and completes each job.
  private mutating func write(_ batch: inout [any WriteJob]) {
    while !batch.isEmpty {
      switch attempt(batch) {
      case .committed:
        for job in batch { job.succeed() }
        return
      case .jobFailed(let index, let tell):
        batch.remove(at: index)
        tell()
      case .outOfRoom:
        return writeWithoutRoom(batch)
      case .batchFailed(let error):
        return fail(batch, with: error)
      case .ended(let error):
        cause = error
        for job in batch { job.fail(.writingEnded) }
        return
      }
    }
  }

  /// Fails the jobs of `batch` that meet an error before anything was written: each by itself, so that one
  /// that meets a damaged page takes nothing from the others.
  private mutating func fail(_ batch: [any WriteJob], with error: StorageError) {
    guard batch.count > 1 else {
      for job in batch { job.fail(error) }
      return
    }
    writeOneByOne(batch)
  }

  /// Tries the reserved jobs of `batch` once more: together, then each alone.
  private mutating func writeWithoutRoom(_ batch: [any WriteJob]) {
    var reserved = batch
    refuseOrdinaryJobs(&reserved)
    if reserved.count < batch.count { return write(&reserved) }
    if let only = reserved.first, reserved.count == 1 {
      // Whom a client keeps waiting is its own jobs.
      if only.admission.client != nil {
        if !room.readersKeepRoom || !deferred.keep(only) { only.fail(.full) }
        return
      }
      return waitForReaders() ? write(&reserved) : only.fail(.full)
    }
    writeOneByOne(reserved)
  }

  private mutating func writeOneByOne(_ batch: [any WriteJob]) {
    for job in batch {
      guard !hasEnded else {
        job.fail(.writingEnded)
        continue
      }
      var alone = [job]
      write(&alone)
    }
  }

  /// Applies every job of `batch` in one transaction and commits it.
  private mutating func attempt(_ batch: [any WriteJob]) -> Outcome {
    if let loss = loss(at: SystemClock.monotonicNanoseconds()) ?? generations.value.cut
      ?? keeper.overwriting
    {
      participant?.batchDidAbort()
      return .ended(loss)
    }
    let outcome = judged(transact(batch))
    if case .committed = outcome {
      participant?.batchDidCommit()
    } else {
      participant?.batchDidAbort()
    }
    return outcome
  }

  /// An outcome that tells of damage, where the file was cut off or replaced: with that as its cause.
  private func judged(_ outcome: Outcome) -> Outcome {
    guard case .batchFailed(let error) = outcome, error.tellsOfDamage,
      let loss = generations.value.loss
    else { return outcome }
    return .ended(loss)
  }

  /// What has become of the store's file since it was last looked at, where nothing may be written to it
  /// any more: what is written to a file without a name is gone with the process.
  private mutating func loss(at now: UInt64) -> StorageError? {
    guard now - lookedNanoseconds >= Self.nanosecondsBetweenLooks else { return nil }
    lookedNanoseconds = now
    return generations.value.loss ?? keeper.journalLoss
  }

  private mutating func transact(_ batch: [any WriteJob]) -> Outcome {
    do throws(BatchKeeper.Failure) {
      var transaction = try keeper.begin()
      for index in batch.indices {
        if let tell = batch[index].attempt(&transaction) {
          keeper.abandon(transaction)
          return .jobFailed(index: index, tell: tell)
        }
      }
      do throws(StorageError) { try participant?.batchWillCommit(&transaction) } catch {
        keeper.abandon(transaction)
        return .batchFailed(error)
      }
      try keeper.keep(transaction, room)
      return .committed
    } catch {
      return switch error {
      case .outOfRoom: .outOfRoom
      case .batchFailed(let error): .batchFailed(error)
      case .ended(let cause): .ended(cause)
      }
    }
  }

  private func ending(_ cause: LMDBError) -> StorageError {
    StorageError(cause: cause, of: generations.value.environment.path)
  }

  private mutating func checkReadersSometimes() {
    batchesSinceReaderCheck += 1
    guard batchesSinceReaderCheck >= Self.batchesBetweenReaderChecks else { return }
    batchesSinceReaderCheck = 0
    // A failure leaves pages unused for longer, and is no reason to refuse anything.
    _ = try? generations.value.environment.checkReaders()
  }

  /// Refuses everything that waits, and tells the owner that writing is over.
  private func end(_ taken: [any WriteJob], because cause: StorageError) {
    // Before anybody hears of it: the process may end at once.
    if cause.tellsOfDamage { DamageMark.leave(cause, in: compaction.directory) }
    var waiting = taken
    let (compactions, erasures) = monitor.withLock { state in
      state.phase = .ended
      state.queue.take(.max, into: &waiting)
      defer { (state.compactions, state.erasures) = ([], []) }
      return (state.compactions, state.erasures)
    }
    for job in waiting { job.fail(.writingEnded) }
    for request in compactions { request.answer.complete(.failure(.writingEnded)) }
    for request in erasures { request.complete(.failure(.writingEnded)) }
    onEnd(cause)
  }
}
