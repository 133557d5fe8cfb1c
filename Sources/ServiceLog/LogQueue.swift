package import Logging
import Synchronization
package import SystemCalls

/// Writes the lines of the log on a thread of its own, so that nobody else waits for the one who reads
/// them: a terminal that is stopped, a pipe that is full, a slow disk.
///
/// What finds no room in the queue (``LogBacklog``), or cannot be written, is left out and counted; a
/// line says how many as soon as one can be written again.
package final class LogQueue: Sendable {
  private struct State {
    var waiting: [[UInt8]] = []
    var backlog = LogBacklog()
    /// Lines that were left out and not told yet.
    var untold: UInt64 = 0
    var isEnding = false
    var hasEnded = false
  }

  private let descriptor: Int32
  private let state = Monitor(State())
  private let lost = Atomic<UInt64>(0)

  /// Begins to write to `descriptor`, which stays open longer than the thread.
  ///
  /// - Throws: ``SystemFailure`` where there is no thread to be had.
  package init(to descriptor: Int32) throws(SystemFailure) {
    self.descriptor = descriptor
    _ = try WorkerThread(named: "cadenas-log") { [self] in run() }
  }

  /// The lines that were left out since the start.
  package var linesLost: UInt64 { lost.load(ordering: .relaxed) }

  /// Has a line, which ends with its line feed, written. Waits for nobody.
  package func add(_ level: Logger.Level, _ line: [UInt8]) {
    let isAdded = state.withLock { state in
      guard !state.isEnding, state.backlog.add(level, bytes: line.count) else {
        state.untold += 1
        return false
      }
      state.waiting.append(line)
      return true
    }
    if isAdded { state.broadcast() } else { lost.wrappingAdd(1, ordering: .relaxed) }
  }

  /// Writes what waits, for at most `limit`, and nothing after it. To be called when the process ends.
  package func finish(within limit: Duration) {
    state.withLock { $0.isEnding = true }
    state.broadcast()
    let deadline = SystemClock.monotonicNanoseconds() + UInt64(limit / .nanoseconds(1))
    _ = state.wait(untilNanoseconds: deadline) { $0.hasEnded ? () : nil }
  }

  // MARK: - The thread

  private func run() {
    var isWithinLine = false
    while let lines = take() {
      for line in lines {
        write(line, &isWithinLine)
        state.withLock { $0.backlog.remove(bytes: line.count) }
      }
      tell(&isWithinLine)
    }
    state.withLock { $0.hasEnded = true }
    state.broadcast()
  }

  /// The lines to write next; nil at the end.
  private func take() -> [[UInt8]]? {
    state.waitUntil { state -> [[UInt8]]?? in
      if !state.waiting.isEmpty {
        let lines = state.waiting
        state.waiting = []
        return lines
      }
      return state.isEnding ? .some(nil) : nil
    }
  }

  /// Writes one line, and says whether that went well.
  @discardableResult
  private func write(_ line: [UInt8], _ isWithinLine: inout Bool) -> Bool {
    // A disk that was full may have taken the beginning of the line before.
    let bytes = isWithinLine ? [UInt8(ascii: "\n")] + line : line
    let (count, failure) = writeUpToFailure(bytes, to: descriptor)
    guard failure != nil else {
      isWithinLine = false
      return true
    }
    if count > 0 { isWithinLine = bytes[count - 1] != UInt8(ascii: "\n") }
    lost.wrappingAdd(1, ordering: .relaxed)
    state.withLock { $0.untold += 1 }
    return false
  }

  /// Says how many lines were left out, where any were.
  private func tell(_ isWithinLine: inout Bool) {
    let count = state.withLock { state in
      defer { state.untold = 0 }
      return state.untold
    }
    guard count > 0 else { return }
    let line = JSONLogHandler.line(.warning, "log lines were left out", ["lines": "\(count)"])
    if !write(line, &isWithinLine) {
      // The line that tells it is none of those that were to be told.
      lost.wrappingSubtract(1, ordering: .relaxed)
      state.withLock { $0.untold += count - 1 }
    }
  }
}
