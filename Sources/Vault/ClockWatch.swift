/// Looks at the clocks for what is to wait, and notices when the wall clock has jumped ahead.
///
/// Confined to the writer thread; made before there is one.
final class ClockWatch {
  /// What the clocks say at one moment.
  struct Moment {
    /// Unix milliseconds.
    let milliseconds: UInt64
    /// Which idempotency rows are still remembered.
    let remembered: RetentionClock.Kept
  }

  private let clock: Clock
  private var retention: RetentionClock
  private var jumps: ClockJumps
  private var jumpsBeforeBatch: ClockJumps

  /// - Parameter last: the time of the log's last entry before this start, in Unix milliseconds.
  init(_ clock: Clock, lastMilliseconds last: Int64?) {
    self.clock = clock
    let reading = Reading(clock)
    retention = RetentionClock(
      retentionMilliseconds: Int64(IdempotencyLedger.retentionMilliseconds), at: reading,
      lastMilliseconds: last)
    jumps = ClockJumps(at: reading)
    jumpsBeforeBatch = jumps
  }

  /// Looks at the clocks.
  func look() -> Moment {
    let reading = Reading(clock)
    return Moment(
      milliseconds: UInt64(clamping: reading.wall), remembered: retention.look(reading))
  }

  /// By how many seconds the wall clock has jumped ahead since the last jump that was noted; nil where
  /// it has not. The caller notes it with the open batch.
  func jumpSeconds() -> Int64? {
    let reading = Reading(clock)
    _ = retention.look(reading)
    return jumps.look(reading)
  }

  /// What was noted is durable.
  func batchDidCommit() { jumpsBeforeBatch = jumps }

  /// Nothing was noted.
  func batchDidAbort() { jumps = jumpsBeforeBatch }
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
