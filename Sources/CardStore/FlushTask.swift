import Cards
import Cryptography
import Glibc
import RecordFormat
import Storage
import Synchronization
import SystemCalls

/// Writes one generation of the overlay to the index, on a thread of its own.
///
/// Entries are sorted, so that neighbouring pages are written together, and go in small transactions
/// with pauses as long as the work, so that commits of the store beside it keep their speed. The mark
/// moves with the last transaction: a crash in between costs a catch-up, never an entry.
final class FlushTask: Sendable {
  enum Outcome: Equatable, Sendable {
    case running
    case done
    case failed
  }

  private let index: IndexFile
  private let pace: IndexPace
  private let generation: Overlay.Generation
  private let isHurried = Atomic<Bool>(false)
  private let isAbandoned = Atomic<Bool>(false)
  private let result = Mutex(Outcome.running)
  private let thread = Mutex<WorkerThread?>(nil)

  init(_ generation: Overlay.Generation, index: IndexFile, pace: IndexPace) {
    self.generation = generation
    self.index = index
    self.pace = pace
  }

  var outcome: Outcome { result.withLock { $0 } }

  /// What the index's mark says after the flush; nil where the flush leaves it as it is.
  var upTo: Token? { generation.upTo }

  /// Begins, on a new thread.
  func start() {
    // Without a thread to be had, the writer waits: slower, and nothing is lost.
    guard let worker = try? WorkerThread(named: "cadenas-index", { [self] in run() }) else {
      isHurried.store(true, ordering: .relaxed)
      return run()
    }
    thread.withLock { $0 = worker }
  }

  /// Waits for the end, without pauses from now on.
  func finish() -> Outcome {
    isHurried.store(true, ordering: .relaxed)
    thread.withLock { $0.take() }?.join()
    return outcome
  }

  /// Ends it after the transaction under way, and waits for that: what is left is not written, and the
  /// mark stays.
  func abandon() {
    isAbandoned.store(true, ordering: .relaxed)
    _ = finish()
  }

  private func run() {
    var isDone = false
    do throws(CardStoreError) { isDone = try write() } catch {
      index.index.noteFailedWrite("\(error)")
    }
    result.withLock { $0 = isDone ? .done : .failed }
  }

  /// Writes everything; false where it was abandoned.
  private func write() throws(CardStoreError) -> Bool {
    let sorted = generation.entries.sorted { $0.key < $1.key }
    var start = 0
    repeat {
      if isAbandoned.load(ordering: .relaxed) { return false }
      let isHurried = isHurried.load(ordering: .relaxed)
      let count = isHurried ? pace.entriesPerHurriedTransaction : pace.entriesPerTransaction
      let end = min(start + count, sorted.count)
      let began = ContinuousClock.now
      try index.write(sorted[start..<end], mark: end == sorted.count ? generation.upTo : nil)
      start = end
      if start < sorted.count { pause(after: ContinuousClock.now - began) }
    } while start < sorted.count
    return true
  }

  private func pause(after work: Duration) {
    if isHurried.load(ordering: .relaxed) { return }
    let nanoseconds = min(UInt64(work / .nanoseconds(1)), pace.longestPauseNanoseconds)
    var request = timespec(tv_sec: 0, tv_nsec: Int(nanoseconds))
    unsafe nanosleep(&request, nil)
  }
}
