import CLinux
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
  private static let idleLook = Duration.seconds(1)

  private let generations: CurrentGeneration
  private let compaction: Compaction
  private let participant: (any BatchParticipant)?
  private let monitor: Monitor<Writer.State>
  private let onEnd: @Sendable (StorageError) -> Void
  private var room: RoomGuard
  /// The one of the last batch.
  private var emptySet: WriteSet?
  /// The file of the last batch that was committed, and what it says of its newest transaction since.
  private var lastCommit: (generation: Generation, transaction: Int)?
  private var pace = BatchPace()
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
    participant: (any BatchParticipant)?, monitor: Monitor<Writer.State>,
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) {
    self.generations = generations
    self.compaction = compaction
    self.participant = participant
    room = RoomGuard(environment: generations.value.environment)
    self.monitor = monitor
    self.onEnd = onEnd
  }

  /// The time slice that the writer's thread asks for: the least that the kernel gives.
  private static let timeSliceNanoseconds: UInt64 = 100_000

  /// Lets the calling thread be put on a processor as soon as what it waited for is there.
  ///
  /// Twice in each batch the thread waits for the disk, and all clients wait for it. On a busy machine
  /// the others' time slices of some milliseconds would have to pass each time. Whoever asks for short
  /// slices goes before those who have long ones, without more time on the whole, and needs no privilege.
  /// Where it is refused or not known, all works as well, and slower.
  static func askForPromptness() { _ = clinux_set_time_slice(timeSliceNanoseconds) }

  /// Works until the writer is stopped or the disk fails.
  mutating func run() {
    var waiting: [any WriteJob] = []
    while true {
      switch nextTurn(&waiting) {
      case .stop:
        for job in deferred.takeAll() { job.fail(.stopped) }
        return
      case .compaction(let request): compact(request)
      case .jobs: writeAll(&waiting)
      case nil where !deferred.isEmpty: writeAll(&waiting)
      case nil: cause = loss(at: SystemClock.monotonicNanoseconds()) ?? overwriting
      }
      if let cause { return end(deferred.takeAll() + waiting, because: cause) }
    }
  }

  /// Waits for something to do, and moves jobs to `jobs`; nil where there was nothing for a while. It is
  /// to stop when nothing is left.
  private func nextTurn(_ jobs: inout [any WriteJob]) -> Writer.Turn? {
    if let earliest = pace.earliestNanoseconds,
      let turn = monitor.wait(
        untilNanoseconds: earliest,
        { $0.nextTurn(withAtLeast: pace.enoughJobs, taking: &jobs) })
    {
      return turn
    }
    let longest = deferred.isEmpty ? Self.idleLook : DeferredJobs.pause
    return monitor.wait(for: longest) { $0.nextTurn(withAtLeast: 1, taking: &jobs) }
  }

  /// Compacts the store while jobs go on being queued; given up when the writer is to stop.
  private mutating func compact(_ request: CompactionRequest) {
    let monitor = monitor
    cause = request.run(compaction) { monitor.withLock { $0.phase == .stopping } }
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
      admitted = try room.admit(ordinary: max(ordinary, 1), all: waiting.count)
    } catch {
      cause = ending(error)
      return []
    }
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
    let began = SystemClock.monotonicNanoseconds()
    if let loss = loss(at: began) ?? generations.value.cut ?? overwriting {
      participant?.batchDidAbort()
      return .ended(loss)
    }
    let outcome = judged(transact(batch))
    if case .committed = outcome {
      pace.batchDidCommit(
        jobs: batch.count, began: began, ended: SystemClock.monotonicNanoseconds())
      let generation = generations.value
      lastCommit = (try? generation.environment.information()).map {
        (generation, $0.lastTransaction)
      }
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
    return generations.value.loss
  }

  /// That the file's newest transaction is not the one that was committed last: somebody has written another
  /// file over it, and what was acknowledged is gone.
  private var overwriting: StorageError? {
    let generation = generations.value
    guard let lastCommit, lastCommit.generation === generation,
      let figures = try? generation.environment.information(),
      figures.lastTransaction != lastCommit.transaction
    else { return nil }
    return .fileReplaced(file: generation.environment.path)
  }

  private mutating func transact(_ batch: [any WriteJob]) -> Outcome {
    var transaction: StoreWriteTransaction
    do throws(LMDBError) {
      transaction = try generations.beginWrite(emptySet.take() ?? WriteSet())
    } catch {
      return .ended(generations.cause ?? ending(error))
    }
    for index in batch.indices {
      if let tell = batch[index].attempt(&transaction) {
        return .jobFailed(index: index, tell: tell)
      }
    }
    do throws(StorageError) { try participant?.batchWillCommit(&transaction) } catch {
      return .batchFailed(error)
    }
    do throws(LMDBError) {
      emptySet = try transaction.commit()
      return .committed
    } catch {
      if error.isOutOfSpace { return .outOfRoom }
      // Before anything was written.
      if error.kind == .transactionFailed || error.call != .commit && !error.endsWriting {
        return .batchFailed(StorageError(error))
      }
      return .ended(ending(error))
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
    let compactions = monitor.withLock { state in
      state.phase = .ended
      state.queue.take(.max, into: &waiting)
      defer { state.compactions = [] }
      return state.compactions
    }
    for job in waiting { job.fail(.writingEnded) }
    for request in compactions { request.complete(.failure(.writingEnded)) }
    onEnd(cause)
  }
}
