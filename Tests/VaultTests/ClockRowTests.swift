import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// What one process leaves to the next of the clocks, without a vault.
@Suite struct ClockRowTests {
  private static let day: Int64 = 86_400_000
  private static let hour: Int64 = 3_600_000
  private static let start: Int64 = 1_795_459_405_000

  private func clock(
    wall: Int64 = start, monotonic: Int64 = 7_000, last: Int64? = start, row: ClockRow? = nil
  ) -> RetentionClock {
    RetentionClock(
      retentionMilliseconds: Self.day, at: Reading(wall: wall, monotonic: monotonic),
      lastMilliseconds: last, row: row)
  }

  @Test func `a row is a version and pairs of numbers`() throws {
    let row = ClockRow(steps: [
      ClockRow.Step(milliseconds: 0x0102, ageMilliseconds: 0x0A),
      ClockRow.Step(milliseconds: 0x0103, ageMilliseconds: 0),
    ])
    let bytes: [UInt8] = [
      1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0,
      0,
      0,
    ]
    #expect(row.encoded == bytes)
    #expect(ClockRow(encoded: bytes) == row)
    for count in 0..<bytes.count where count != 17 {
      #expect(ClockRow(encoded: Array(bytes.prefix(count))) == nil)
    }
    #expect(ClockRow(encoded: bytes + [0]) == nil)
    #expect(ClockRow(encoded: [2] + bytes.dropFirst()) == nil)
    // Times that do not ascend, an age that grows, numbers that no clock gives.
    let first = bytes[1..<17]
    let second = bytes[17...]
    #expect(ClockRow(encoded: [1] + second + first) == nil)
    #expect(ClockRow(encoded: [1] + first + first) == nil)
    #expect(ClockRow(encoded: [1] + first + second.dropLast() + [11]) == nil)
    #expect(ClockRow(encoded: [1] + [UInt8](repeating: 255, count: 16)) == nil)
  }

  @Test func `another process goes on where the one before was`() throws {
    var first = clock()
    let row = UInt64(Self.start + Self.day)
    _ = first.look(Reading(wall: Self.start, monotonic: 7_000))
    // An hour, a jump of 25 hours, two hours.
    let ahead = Self.start + 28 * Self.hour
    _ = first.look(Reading(wall: ahead - 2 * Self.hour, monotonic: 7_000 + Self.hour))
    let end = Reading(wall: ahead, monotonic: 7_000 + 3 * Self.hour)
    #expect(!first.look(end).isOver(row))
    let left = try #require(ClockRow(encoded: first.row(at: end).encoded))
    #expect(left.steps.map(\.milliseconds) == [Self.start + 3 * Self.hour, ahead])

    // The machine was started anew: its clocks begin again, and no time between counts.
    var second = clock(wall: ahead + Self.hour, monotonic: 50, last: ahead, row: left)
    func look(_ hours: Int64, _ more: Int64 = 0) -> RetentionClock.Kept {
      let passed = hours * Self.hour + more
      return second.look(
        Reading(wall: ahead + Self.hour + passed, monotonic: 50 + passed))
    }
    #expect(!look(0).isOver(row))
    #expect(!look(20, Self.hour - 1).isOver(row))
    #expect(look(21).isOver(row))
    // Without the row all would be over.
    var without = clock(wall: ahead + Self.hour, monotonic: 50, last: ahead)
    #expect(without.look(Reading(wall: ahead + Self.hour, monotonic: 50)).isOver(row))
  }

  @Test func `a clock that never goes as it should leaves a row of 64 pairs at most`() throws {
    var clock = clock()
    var wall = Self.start
    var monotonic: Int64 = 7_000
    for minute in 0..<1_430 as Range<Int64> {
      monotonic += 60_000
      wall += 61_000 + minute
      _ = clock.look(Reading(wall: wall, monotonic: monotonic))
    }
    let end = Reading(wall: wall, monotonic: monotonic)
    let row = clock.row(at: end)
    #expect(2...ClockRow.mostSteps ~= row.steps.count)
    #expect(ClockRow(encoded: row.encoded) == row)
    // What is left out makes nothing shorter.
    let kept = clock.look(end)
    #expect(row.steps.first?.milliseconds == Int64(kept.after))
    #expect(row.steps.last?.ageMilliseconds == 0)
  }

  @Test func `a row that cannot be read says that nothing has waited`() {
    var clock = clock(row: .unreadable)
    let old = UInt64(Self.start - 1)
    #expect(!clock.look(Reading(wall: Self.start, monotonic: 7_000)).isOver(old))
    let tomorrow = Reading(wall: Self.start + Self.day, monotonic: 7_000 + Self.day)
    #expect(clock.look(tomorrow).isOver(old))
  }
}
