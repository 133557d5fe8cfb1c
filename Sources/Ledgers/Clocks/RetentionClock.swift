/// Says which rows have been kept for long enough, whatever the wall clock does meanwhile: a jump of the
/// clock is not time that has passed.
///
/// A row names its end: what the wall clock said when it was written, and the retention more. When that
/// was by the monotonic clock is not known. But the difference of the two clocks is, at each look of
/// the last retention of uptime. With `least` and `greatest` of these differences, a row that was
/// written within that time ends after `monotonic + least` and not after `monotonic + greatest +
/// retention`; so one whose end lies outside has waited. While the clock goes as it should, both
/// differences are one, and a row goes at the end that it names.
///
/// What a former process has written was written before the time of the log's last entry, and while the
/// clocks went as its ``ClockRow`` says, where it has left one. So the time between two processes does
/// not count as waiting, nor does a jump that no later uptime has made up for. How late an end may
/// be is not known of a former process: one that is further off waits for a day of uptime.
package struct RetentionClock: Sendable {
  /// What ends rows may have that are still kept, in Unix milliseconds.
  package struct Kept: Equatable, Sendable {
    /// The last end that is over.
    let after: UInt64
    /// The last end that a row can have which was written within the retention.
    let upTo: UInt64

    /// Whether a row with this end has been kept for long enough.
    func isOver(_ endMilliseconds: UInt64) -> Bool {
      endMilliseconds <= after || endMilliseconds > upTo
    }
  }

  private let retentionMilliseconds: Int64
  private var least: RecentMinimum
  /// Of the differences with their signs turned.
  private var greatest: RecentMinimum

  /// Begins with the start of a process.
  ///
  /// - Parameter last: the time of the log's last entry before this start, in Unix milliseconds; nil
  ///   where there is none.
  /// - Parameter row: what the process before has left.
  init(
    retentionMilliseconds: Int64, at start: Reading, lastMilliseconds last: Int64?,
    row: ClockRow? = nil
  ) {
    self.retentionMilliseconds = retentionMilliseconds
    least = RecentMinimum(lengthMilliseconds: retentionMilliseconds)
    for step in row?.steps ?? [] {
      least.restore(
        step.milliseconds - start.monotonic, last: start.monotonic - step.ageMilliseconds)
    }
    greatest = RecentMinimum(lengthMilliseconds: retentionMilliseconds)
    let first = Reading(wall: min(start.wall, last ?? start.wall), monotonic: start.monotonic)
    least.add(first.difference, at: start.monotonic)
    greatest.add(-Reading.mostMilliseconds, at: start.monotonic)
  }

  /// Looks at both clocks. Every reading that becomes the end of a row has to be shown here.
  mutating func look(_ reading: Reading) -> Kept {
    let now = reading.monotonic
    least.add(reading.difference, at: now)
    greatest.add(-reading.difference, at: now)
    return Kept(
      after: UInt64(clamping: now + least.value),
      upTo: UInt64(clamping: now - greatest.value + retentionMilliseconds))
  }

  /// What the next process has to know, at the reading that was looked at last.
  func row(at reading: Reading) -> ClockRow {
    var grain: Int64 = 1_000
    while true {
      let steps = least.steps(grain: grain)
      if steps.count <= ClockRow.mostSteps {
        let now = reading.monotonic
        return ClockRow(
          steps: steps.map {
            ClockRow.Step(milliseconds: now + $0.value, ageMilliseconds: now - $0.last)
          })
      }
      grain *= 2
    }
  }
}

/// What both clocks say at one moment, in milliseconds.
struct Reading: Equatable, Sendable {
  /// More is taken for this: there is room to count with it.
  static let mostMilliseconds = Int64.max / 8

  /// Since 1970-01-01 00:00 UTC.
  let wall: Int64
  /// Since some moment; never less than before.
  let monotonic: Int64

  init(wall: Int64, monotonic: Int64) {
    self.wall = min(max(wall, 0), Self.mostMilliseconds)
    self.monotonic = min(max(monotonic, 0), Self.mostMilliseconds)
  }

  init(_ clock: Clock) {
    self.init(
      wall: clock.milliseconds(),
      monotonic: Int64(clamping: clock.monotonicNanoseconds() / 1_000_000))
  }

  /// By how much the wall clock is ahead.
  var difference: Int64 { wall - monotonic }
}

/// The least of the numbers that came within some time.
///
/// One that is of a minute with a lesser one is not kept by itself: the lesser counts for as long. So
/// there are few, a minute's each, and only while every one is greater than the one before.
private struct RecentMinimum {
  private static let grainMilliseconds: Int64 = 60_000

  private struct Step {
    let value: Int64
    let first: Int64
    var last: Int64
  }

  private let length: Int64
  /// From the oldest, which is the least, to the newest, which is the greatest.
  private var steps: [Step] = []

  init(lengthMilliseconds: Int64) { length = lengthMilliseconds }

  /// The least; before the first number, zero.
  var value: Int64 { steps.first?.value ?? 0 }

  /// Takes a number of the moment `now`, which is not before the last one's.
  mutating func add(_ value: Int64, at now: Int64) {
    while let last = steps.last, last.value >= value { steps.removeLast() }
    if let last = steps.last, now - last.first < Self.grainMilliseconds {
      steps[steps.count - 1].last = now
    } else {
      steps.append(Step(value: value, first: now, last: now))
    }
    if let first = steps.first, now - first.last >= length {
      steps.removeFirst(steps.prefix { now - $0.last >= length }.count)
    }
  }

  /// Puts a number back that was kept when it last came at `last`; in the order in which they came.
  mutating func restore(_ value: Int64, last: Int64) {
    steps.append(Step(value: value, first: last, last: last))
  }

  /// The numbers that count, and when each came last; of those that are less than `grain` apart the
  /// least, for as long as all of them.
  func steps(grain: Int64) -> [(value: Int64, last: Int64)] {
    steps.reduce(into: []) { kept, step in
      if let before = kept.last, step.value - before.value < grain {
        kept[kept.count - 1].last = step.last
      } else {
        kept.append((step.value, step.last))
      }
    }
  }
}
