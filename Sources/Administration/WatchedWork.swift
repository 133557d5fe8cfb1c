internal import Storage
internal import Synchronization
internal import SystemCalls

/// How far work is, told by the thread that does it and read by the one that watches it.
final class WorkProgress: Sendable {
  /// The whole of a piece of work; its steps are shares of it.
  static let whole: UInt64 = 1_000

  private struct State {
    var step: Range<UInt64> = 0..<WorkProgress.whole
    var done: UInt64 = 0
    var isWanted = true
  }

  private let state = Mutex(State())

  /// What of the whole is done.
  var done: UInt64 { state.withLock { $0.done } }

  /// Begins a step, which is the share `step` of the whole.
  func begin(_ step: Range<UInt64>) {
    state.withLock { state in
      state.step = step
      state.done = step.lowerBound
    }
  }

  /// Notes that so much of the step is done. Waits for nobody.
  ///
  /// - Returns: whether the work is still wanted.
  @discardableResult
  func report(_ done: some BinaryInteger, of total: some BinaryInteger) -> Bool {
    state.withLock { state in
      let share = Double(done) / Double(max(total, 1))
      let width = Double(state.step.count) * min(max(share, 0), 1)
      state.done = state.step.lowerBound + UInt64(width)
      return state.isWanted
    }
  }

  /// Lets the work know that nobody waits for it any more.
  func giveUp() { state.withLock { $0.isWanted = false } }
}

/// Work on a thread of its own, watched by the one who asked for it.
///
/// Who asked is told how far it is again and again, whatever the work itself waits for, and the work
/// never waits for them: a compaction must not stand still because a terminal does.
enum WatchedWork {
  /// Runs `body`, and returns when it has ended.
  ///
  /// - Throws: what `body` throws, or what `sink` threw while it ran.
  static func run<R: Sendable>(
    into sink: Operations.Sink, _ body: @escaping @Sendable (WorkProgress) throws -> R
  ) throws -> R {
    let progress = WorkProgress()
    let outcome = Outcome<R>()
    let thread: WorkerThread
    do throws(SystemFailure) {
      thread = try WorkerThread(named: "cadenas-upkeep") {
        let result = Result { try body(progress) }
        outcome.result.withLock { $0 = result }
      }
    } catch { throw StorageError(error) }
    var refusal: (any Error)?
    var told: UInt64?
    var watch = Watch(lookMilliseconds: 20, quietLooks: 250)
    while !outcome.isKnown {
      watch.wait()
      let done = progress.done
      let isQuiet = watch.isQuiet(afterNews: done != told)
      guard refusal == nil, done != told || isQuiet else { continue }
      do {
        try sink(.progress(done: done, total: WorkProgress.whole))
      } catch {
        refusal = error
        progress.giveUp()
      }
      told = done
    }
    thread.join()
    let result = try outcome.value()
    if let refusal { throw refusal }
    return result
  }

  private final class Outcome<R: Sendable>: Sendable {
    let result = Mutex<Result<R, any Error>?>(nil)

    var isKnown: Bool { result.withLock { $0 != nil } }

    func value() throws -> R {
      guard let result = result.withLock({ $0 }) else { throw AdministrationError.abandoned }
      return try result.get()
    }
  }
}
