import Glibc
import LMDB
import SystemCalls

/// The writer's queue and thread. Everything that is written goes through one thread, in batches.
final class Writer: Sendable {
  /// Where the writer is in its life; it only goes forward.
  enum Phase {
    case idle, running, stopping, stopped
    /// The disk or the engine failed.
    case ended
  }

  /// What the thread does next.
  enum Turn {
    case jobs
    case compaction(CompactionRequest)
    /// To put zeros in the place of what the journal holds.
    case erasure(PendingAnswer<Void>)
    /// To commit to LMDB what is in the journal: somebody waits for a snapshot.
    case commit
    case stop
  }

  /// What submitters and the writer's thread share.
  struct State {
    var phase = Phase.idle
    var queue = JobQueue()
    /// Compactions that wait for the batch that is being written to end.
    var compactions: [CompactionRequest] = []
    var erasures: [PendingAnswer<Void>] = []
    var wantsCommit = false
    var limits = WriterLimits()
    /// Whether the thread waits, and nobody has woken it.
    var isWaiting = false
    var thread: pthread_t?
    /// Whether ordinary jobs were refused for want of room, when that was last looked at.
    var isRefusingForRoom = false

    /// What the thread is to do now, with `jobs` moved out of the queue for it; nil where it is to wait.
    mutating func nextTurn(taking jobs: inout [any WriteJob]) -> Turn? {
      isWaiting = false
      // First, since jobs may always be waiting.
      if wantsCommit {
        wantsCommit = false
        return .commit
      }
      if !compactions.isEmpty { return .compaction(compactions.removeFirst()) }
      if !erasures.isEmpty { return .erasure(erasures.removeFirst()) }
      if queue.count > 0 {
        queue.take(limits.batch, into: &jobs)
        return .jobs
      }
      if phase == .stopping {
        phase = .stopped
        return .stop
      }
      isWaiting = true
      return nil
    }

    /// Whether somebody has to wake the thread, who does.
    mutating func wake() -> Bool {
      defer { isWaiting = false }
      return isWaiting
    }
  }

  private let generations: CurrentGeneration
  private let gate: SnapshotGate
  private let compaction: Compaction
  private let lock: StoreLock?
  private let monitor = Monitor(State())

  init(
    generations: CurrentGeneration, directory: String, gate: SnapshotGate, lock: StoreLock?
  ) {
    self.generations = generations
    self.gate = gate
    compaction = Compaction(directory: directory, generations: generations)
    self.lock = lock
  }

  /// Starts the thread.
  func start(
    participant: (any BatchParticipant)?, limits: WriterLimits, journal: JournalStart,
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws(StorageError) {
    let monitor = monitor
    let isFirst = monitor.withLock { state in
      guard state.phase == .idle else { return false }
      state.phase = .running
      state.limits = limits
      return true
    }
    precondition(isFirst, "a store's writer is started once")
    let generations = generations
    let compaction = compaction
    let gate = gate
    let lock = lock
    let start = ThreadStart(name: "cadenas-writer") {
      gate.begin()
      var loop = WriterLoop(
        generations: generations, compaction: compaction, participant: participant,
        keeper: BatchKeeper(
          generations: generations, gate: gate, limits: limits.journal, journal: journal),
        monitor: monitor, onEnd: onEnd)
      // The store stays locked until its last batch is written, whoever holds it.
      withExtendedLifetime(lock) { loop.run() }
      gate.end()
    }
    do throws(SystemFailure) {
      let thread = try start.launch()
      monitor.withLock { $0.thread = thread }
    } catch {
      monitor.withLock { $0.phase = .stopped }
      throw StorageError(error)
    }
  }

  /// Queues `job`, or completes it at once with the reason why not.
  func submit(_ job: any WriteJob) {
    let isReserved = job.admission != .ordinary
    var wakes = false
    let refusal: StorageError? = monitor.withLock { state in
      switch state.phase {
      case .idle, .stopping, .stopped: return .stopped
      case .ended: return .writingEnded
      case .running: break
      }
      let room = state.limits.queue + (isReserved ? state.limits.reservedQueue : 0)
      guard state.queue.count < room else { return .overloaded }
      state.queue.append(job)
      wakes = state.wake()
      return nil
    }
    if wakes { monitor.signal() }
    if let refusal { job.fail(refusal) }
  }

  /// Whether the writer's thread works.
  var isRunning: Bool {
    monitor.withLock { $0.phase == .running || $0.phase == .stopping }
  }

  /// Has LMDB committed as soon as the batch that is being written is durable.
  func askForCommit() {
    ask { $0.wantsCommit = true }
  }

  /// Changes what the thread is asked to do, and wakes it; in which phase it is.
  @discardableResult
  private func ask(_ change: (inout State) -> Void) -> Phase {
    var wakes = false
    let phase = monitor.withLock { state in
      guard state.phase == .running else { return state.phase }
      change(&state)
      wakes = state.wake()
      return .running
    }
    if wakes { monitor.signal() }
    return phase
  }

  /// Erases the journal between two batches, on the writer's thread; on this one where none is running.
  func eraseJournal() throws(StorageError) {
    let request = PendingAnswer<Void>()
    switch ask({ $0.erasures.append(request) }) {
    case .running: try request.wait()
    case .stopping: throw .stopped
    case .ended: throw .writingEnded
    case .idle, .stopped:
      try requireWholeFile()
      try eraseFile()
    }
  }

  /// Where no thread runs: the journal may hold what LMDB had no room for, and then it stays.
  private func requireWholeFile() throws(StorageError) {
    guard try StoreFormat.read(in: generations.value.beginReadOrFail()) == .whole else {
      throw .full
    }
  }

  private func eraseFile() throws(StorageError) {
    guard try JournalFile.erase(in: compaction.directory) else { throw .full }
  }

  /// Compacts between two batches, on the writer's thread; on this one where none is running.
  /// Returns when that is done.
  func compact(progress: @escaping StoreCopy.Progress) throws(StorageError) -> CompactionResult {
    let request = CompactionRequest(progress: progress)
    switch ask({ $0.compactions.append(request) }) {
    case .running: break
    case .stopping: throw .stopped
    case .ended: throw .writingEnded
    case .idle, .stopped:
      try requireWholeFile()
      _ = request.run(compaction, erase: eraseFile)
    }
    return try request.answer.wait()
  }

  /// Whether ordinary jobs are refused for want of room; as of the last batch.
  var isRefusingForRoom: Bool { monitor.withLock { $0.isRefusingForRoom } }

  /// Ends the thread after everything accepted has been completed. Harmless when it is not running.
  func stop() {
    let thread = monitor.withLock { state -> pthread_t? in
      if state.phase == .running { state.phase = .stopping }
      if state.phase == .idle { state.phase = .stopped }
      _ = state.wake()
      defer { state.thread = nil }
      return state.thread
    }
    monitor.broadcast()
    guard let thread else { return }
    // The last reference to a store may go with a job, on the writer's own thread.
    guard pthread_equal(thread, pthread_self()) == 0 else {
      pthread_detach(thread)
      return
    }
    pthread_join(thread, nil)
  }
}

/// Jobs in the order in which they came.
struct JobQueue {
  private var incoming: [any WriteJob] = []
  private var outgoing: [any WriteJob] = []

  var count: Int { incoming.count + outgoing.count }

  mutating func append(_ job: any WriteJob) { incoming.append(job) }

  /// Moves up to `limit` of the oldest jobs to the end of `batch`.
  mutating func take(_ limit: Int, into batch: inout [any WriteJob]) {
    while batch.count < limit {
      if outgoing.isEmpty {
        guard !incoming.isEmpty else { return }
        incoming.reverse()
        swap(&incoming, &outgoing)
      }
      guard let job = outgoing.popLast() else { return }
      batch.append(job)
    }
  }
}
