import Logging
import Synchronization

/// The server's log: refusals, failures and what happens to connections, at most so many lines in a
/// second. Requests that succeed are logged at level `debug` only.
///
/// Two bounds stand behind each other, and in both what matters less leaves room for what matters more.
/// This one is of the second: whoever asks without end fills no disk, however well the log is read. That
/// of the queue behind it (`LogBacklog`) is of lines that wait: a log that nobody reads takes no memory,
/// whoever writes to it. Neither does the other's work.
final class ServerLog: Sendable {
  /// Lines in a second; what is above it is counted in ``ServerCounters`` and left out.
  static let linesPerSecond = 400
  /// Those of them that tell of nothing worse than a refusal: anybody who may connect can bring them about,
  /// and hides no others by that.
  static let ordinaryLinesPerSecond = 200
  /// Those of one merchant or acquirer that tell of something worse, of all its clients together: its
  /// payments may fail without end, and hide those of no other by that.
  static let failureLinesPerSecond = 50

  private struct Budget {
    var second: Int64
    var lines = 0
    var ordinaryLines = 0
    var failureLines: [ConnectionOwner.Principal: Int] = [:]

    /// Takes one line, if there is room for it.
    mutating func take(isOrdinary: Bool, of principal: ConnectionOwner.Principal?) -> Bool {
      guard lines < ServerLog.linesPerSecond else { return false }
      if isOrdinary {
        guard ordinaryLines < ServerLog.ordinaryLinesPerSecond else { return false }
        ordinaryLines += 1
      } else if let principal {
        guard failureLines[principal, default: 0] < ServerLog.failureLinesPerSecond else {
          return false
        }
        failureLines[principal, default: 0] += 1
      }
      lines += 1
      return true
    }
  }

  private let logger: Logger
  private let counters: ServerCounters
  private let budget = Mutex(Budget(second: 0))
  private let seldom = Mutex(SeldomLines())

  init(_ logger: Logger, counters: ServerCounters) {
    self.logger = logger
    self.counters = counters
  }

  /// Whether successes are logged too.
  var logsSuccesses: Bool { logger.logLevel <= .debug }

  /// Writes a line, if there is room for it in the second `now`.
  ///
  /// - Parameter principal: who asked for what it is about, where a policy knows them.
  func write(
    _ level: Logger.Level, _ message: Logger.Message,
    of principal: ConnectionOwner.Principal? = nil,
    at now: Int64, _ metadata: @autoclosure () -> Logger.Metadata
  ) {
    guard level >= logger.logLevel else { return }
    let isOrdinary = level <= .info
    let hasRoom = budget.withLock { budget in
      // The loops' clocks may differ by a fraction of a second.
      if now > budget.second { budget = Budget(second: now) }
      return budget.take(isOrdinary: isOrdinary, of: principal)
    }
    guard hasRoom else { return counters.add(.logLinesDropped) }
    logger.log(level: level, message, metadata: metadata())
  }

  /// Writes a line about something that anybody can bring about as often as they like: the first of
  /// its kind in a minute, and in its place at the minute's end how many more there were.
  ///
  /// - Parameter kind: what tells such lines apart beside their message.
  func writeSeldom(
    _ level: Logger.Level, _ message: String, of kind: String, at now: Int64,
    _ metadata: Logger.Metadata
  ) {
    let line = SeldomLines.Line(level: level, message: message, metadata: metadata)
    let first = seldom.withLock { $0.note(line, of: kind, at: now) }
    if let first { write(first) }
  }

  /// Writes the counts of the minutes that have ended.
  func tellCounts(at now: Int64) {
    for line in seldom.withLock({ $0.ended(at: now) }) { write(line) }
  }

  /// They bound themselves.
  private func write(_ line: SeldomLines.Line) {
    logger.log(level: line.level, "\(line.message)", metadata: line.metadata)
  }
}
