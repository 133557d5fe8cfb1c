import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// What has waited, by two clocks, without a vault.
@Suite struct RetentionClockTests {
  private static let day: Int64 = 86_400_000
  private static let hour: Int64 = 3_600_000
  private static let minute: Int64 = 60_000
  private static let start: Int64 = 1_795_459_405_000

  /// Two clocks that go, and a row that is written at some moment.
  private final class Clocks {
    var wall: Int64
    var monotonic: Int64 = 7_000
    var retention: RetentionClock

    /// - Parameter last: the log's last entry, as so much before the start.
    init(logEndedBefore gap: Int64? = 0, ahead: Int64 = 0) {
      let last = start - (gap ?? 0)
      wall = start + ahead
      retention = RetentionClock(
        retentionMilliseconds: day, at: Reading(wall: wall, monotonic: monotonic),
        lastMilliseconds: gap == nil ? nil : last)
    }

    func look() -> RetentionClock.Kept {
      retention.look(Reading(wall: wall, monotonic: monotonic))
    }

    /// Lets time pass, with a look in every minute.
    func pass(_ milliseconds: Int64) {
      var left = milliseconds
      while left > 0 {
        let step = min(left, minute)
        wall += step
        monotonic += step
        left -= step
        _ = look()
      }
    }

    /// The end of a row that is written now.
    func write() -> UInt64 {
      _ = look()
      return UInt64(wall + day)
    }

    func isOver(_ end: UInt64) -> Bool { look().isOver(end) }
  }

  @Test func `a row waits for a day, to the millisecond where the clock goes as it should`() {
    let clocks = Clocks()
    let row = clocks.write()
    clocks.pass(Self.day - 1)
    #expect(!clocks.isOver(row))
    clocks.pass(1)
    #expect(clocks.isOver(row))
  }

  @Test(arguments: [25 * hour, 30 * hour, 3_650 * day])
  func `a clock that is ahead for three seconds ends nothing`(_ jump: Int64) {
    let clocks = Clocks()
    let row = clocks.write()
    clocks.pass(Self.hour)
    clocks.wall += jump
    for _ in 0..<3 {
      clocks.wall += 1_000
      clocks.monotonic += 1_000
      #expect(!clocks.isOver(row))
    }
    clocks.wall -= jump
    #expect(!clocks.isOver(row))
    clocks.pass(23 * Self.hour)
    #expect(clocks.isOver(row))
  }

  @Test func `a clock that is ahead again at the end of the day ends nothing`() {
    let clocks = Clocks()
    clocks.wall += 25 * Self.hour
    _ = clocks.look()
    clocks.wall -= 25 * Self.hour
    clocks.pass(23 * Self.hour)
    let row = clocks.write()
    clocks.pass(Self.hour)
    clocks.wall += 25 * Self.hour
    #expect(!clocks.isOver(row))
  }

  @Test func `a row of a clock that was behind waits its day after it was set right`() {
    let clocks = Clocks()
    clocks.wall -= 30 * Self.hour
    let row = clocks.write()
    clocks.pass(2_000)
    clocks.wall += 30 * Self.hour
    #expect(!clocks.isOver(row))
    clocks.pass(Self.day - 3_000)
    #expect(!clocks.isOver(row))
    // To the minute.
    clocks.pass(Self.minute + 3_000)
    #expect(clocks.isOver(row))
  }

  @Test func `many small steps ahead are no time either`() {
    let clocks = Clocks()
    let row = clocks.write()
    // Two hours of uptime in which the clock makes three days.
    var wasOver = false
    for _ in 0..<7_200 {
      clocks.wall += 36_000
      clocks.monotonic += 1_000
      wasOver = wasOver || clocks.isOver(row)
    }
    #expect(!wasOver)
  }

  @Test func `a clock that was set right by years keeps nothing for years`() {
    let clocks = Clocks()
    let before = clocks.write()
    clocks.wall += 3_650 * Self.day
    let ahead = clocks.write()
    clocks.wall -= 3_650 * Self.day
    let after = clocks.write()
    clocks.pass(Self.day - 1_000)
    #expect(!clocks.isOver(before) && !clocks.isOver(ahead) && !clocks.isOver(after))
    clocks.pass(Self.minute + 1_000)
    #expect(clocks.isOver(before) && clocks.isOver(ahead) && clocks.isOver(after))
  }

  @Test func `after a start with the clock ahead, rows wait from the log's last time on`() {
    let clocks = Clocks(logEndedBefore: 0, ahead: 25 * Self.hour)
    let fresh = UInt64(Self.start + Self.day)
    let halfway = UInt64(Self.start + Self.day / 2)
    let old = UInt64(Self.start)
    #expect(!clocks.isOver(fresh) && !clocks.isOver(halfway) && clocks.isOver(old))
    clocks.pass(Self.day / 2)
    #expect(!clocks.isOver(fresh) && clocks.isOver(halfway))
    clocks.pass(Self.day / 2 + Self.minute)
    #expect(clocks.isOver(fresh))
  }

  @Test func `after a start with the clock behind, a row that ends late is kept for a day`() {
    let clocks = Clocks(logEndedBefore: 0, ahead: -3_650 * Self.day)
    let row = UInt64(Self.start + Self.day)
    clocks.pass(Self.day - 1_000)
    #expect(!clocks.isOver(row))
    clocks.pass(Self.minute + 1_000)
    #expect(clocks.isOver(row))
  }

  @Test func `readings that no clock gives stop nothing`() {
    var retention = RetentionClock(
      retentionMilliseconds: Self.day, at: Reading(wall: .min, monotonic: .max),
      lastMilliseconds: .min)
    for wall in [Int64.max, .min, 0] {
      let kept = retention.look(Reading(wall: wall, monotonic: .max))
      #expect(!kept.isOver(UInt64(Self.start)))
    }
  }

  @Test func `a jump ahead is told once, in whole seconds, and small ones when they add up`() {
    var jumps = ClockJumps(at: Reading(wall: Self.start, monotonic: 0))
    func look(_ ahead: Int64, _ now: Int64) -> Int64? {
      jumps.look(Reading(wall: Self.start + now + ahead, monotonic: now))
    }
    #expect(look(5_000, 1_000) == nil)
    #expect(look(89_999_999, 2_000) == 90_000)
    #expect(look(90_000_001, 3_000) == nil)
    // Back is the log's to note; ahead again is another jump.
    #expect(look(0, 4_000) == nil)
    #expect(look(90_000_000, 5_000) == 90_000)
    #expect(look(90_003_000, 6_000) == nil)
    #expect(look(90_006_000, 7_000) == 6)
  }
}
