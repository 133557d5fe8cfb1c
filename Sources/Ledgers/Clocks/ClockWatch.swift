package import AuditLog
package import Storage

/// Looks at the clocks for what is to wait, notices when the wall clock has jumped ahead, and keeps in
/// the store what of such a jump has not passed yet.
///
/// Confined to the writer thread; made before there is one.
package final class ClockWatch {
  /// What the clocks say at one moment.
  package struct Moment {
    /// Unix milliseconds.
    package let milliseconds: UInt64
    /// Which idempotency rows are still remembered.
    package let remembered: RetentionClock.Kept
  }

  /// How much uptime may be lost where a process dies, in milliseconds.
  private static let rowEveryMilliseconds: Int64 = 60_000

  /// What a batch that is not committed leaves as it was.
  private struct State {
    var jumps: ClockJumps
    /// Whether the store has a ``ClockRow``.
    var hasRow: Bool
    /// When it was written, by the monotonic clock; nil where it has to be written anew.
    var rowWritten: Int64?
  }

  private let clock: Clock
  private var retention: RetentionClock
  private var state: State
  private var stateBeforeBatch: State

  /// - Parameters:
  ///   - last: the time of the log's last entry before this start, in Unix milliseconds.
  ///   - row: what the store says of the clocks.
  package init(_ clock: Clock, lastMilliseconds last: Int64?, row: ClockRow?) {
    self.clock = clock
    let reading = Reading(clock)
    retention = RetentionClock(
      retentionMilliseconds: Int64(IdempotencyLedger.retentionMilliseconds), at: reading,
      lastMilliseconds: last, row: row)
    state = State(jumps: ClockJumps(at: reading), hasRow: row != nil)
    stateBeforeBatch = state
  }

  /// For a store whose log has been taken up.
  package convenience init(_ clock: Clock, log: AuditLog, store: Store) throws(StorageError) {
    self.init(
      clock, lastMilliseconds: log.pendingMilliseconds,
      row: try store.read { (transaction) throws(StorageError) in
        try ClockRow.read(in: transaction)
      })
  }

  /// Looks at the clocks.
  package func look() -> Moment {
    let reading = Reading(clock)
    return Moment(
      milliseconds: UInt64(clamping: reading.wall), remembered: retention.look(reading))
  }

  /// By how many seconds the wall clock has jumped ahead since the last jump that was noted; nil where
  /// it has not. The caller notes it with the open batch.
  package func jumpSeconds() -> Int64? {
    let reading = Reading(clock)
    _ = retention.look(reading)
    guard let seconds = state.jumps.look(reading) else { return nil }
    state.rowWritten = nil
    return seconds
  }

  /// Has the next batch write the row, however new it is: the process is about to end.
  package func rowIsDue() { state.rowWritten = nil }

  /// Sees to the store's ``ClockRow`` with the open batch, after all of its entries. It has to be there
  /// where the log's last time is further on than what has waited: a process that began with that time
  /// would take the difference for time that has passed.
  ///
  /// - Parameter last: the time of the log's last entry, those of the batch included.
  package func keepRow(
    logEndsAt last: Int64?, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let reading = Reading(clock)
    let over = Int64(clamping: retention.look(reading).after)
    guard let last, last > over + ClockJumps.toleranceMilliseconds else {
      if state.hasRow { try ClockRow.remove(in: &transaction) }
      state.hasRow = false
      return
    }
    if state.hasRow, let written = state.rowWritten,
      reading.monotonic - written < Self.rowEveryMilliseconds
    {
      return
    }
    try retention.row(at: reading).save(in: &transaction)
    state.hasRow = true
    state.rowWritten = reading.monotonic
  }

  /// What was noted is durable.
  package func batchDidCommit() { stateBeforeBatch = state }

  /// Nothing was noted.
  package func batchDidAbort() { state = stateBeforeBatch }
}

/// Notices that the wall clock is further ahead than time has passed by the monotonic clock: by a jump,
/// by small ones that add up, or because the machine was asleep.
///
/// A clock that went backwards is the log's to note, by the times of its entries.
struct ClockJumps: Sendable {
  /// How far ahead is no jump yet, in milliseconds: what a clock is set right by at a start.
  static let toleranceMilliseconds: Int64 = 5_000

  /// Wall clock less monotonic clock, at the last jump, or the least since.
  private var difference: Int64

  init(at reading: Reading) { difference = reading.difference }

  /// How many seconds it has jumped ahead, to the nearest; nil where it has not.
  mutating func look(_ reading: Reading) -> Int64? {
    let ahead = reading.difference - difference
    guard ahead > Self.toleranceMilliseconds else {
      difference = min(difference, reading.difference)
      return nil
    }
    difference = reading.difference
    return (ahead + 500) / 1_000
  }
}
