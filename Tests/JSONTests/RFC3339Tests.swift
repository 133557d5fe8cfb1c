import Testing

@testable import JSON

@Suite struct RFC3339Tests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"),
    (-1, "1969-12-31T23:59:59.999Z"),
    (951_782_400_000, "2000-02-29T00:00:00.000Z"),
    (951_868_799_999, "2000-02-29T23:59:59.999Z"),
    (1_795_459_405_123, "2026-11-23T18:43:25.123Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    (RFC3339.earliest, "0000-01-01T00:00:00.000Z"),
    (RFC3339.latest, "9999-12-31T23:59:59.999Z"),
  ])
  func aTimeIsWrittenAndReadBack(milliseconds: Int64, text: String) {
    #expect(RFC3339.string(unixMilliseconds: milliseconds, precision: .milliseconds) == text)
    #expect(RFC3339.unixMilliseconds(text) == milliseconds)
  }

  @Test func secondsDropTheFraction() {
    #expect(RFC3339.string(unixMilliseconds: 1_795_459_405_999) == "2026-11-23T18:43:25Z")
    #expect(RFC3339.unixMilliseconds("2026-11-23T18:43:25Z") == 1_795_459_405_000)
  }

  @Test func aTimeOutsideTheCalendarIsWrittenAsItsNearestEnd() {
    #expect(RFC3339.string(unixMilliseconds: .max) == "9999-12-31T23:59:59Z")
    #expect(RFC3339.string(unixMilliseconds: .min) == "0000-01-01T00:00:00Z")
  }

  @Test func everyDayOfFourCenturiesFollowsTheOneBefore() {
    var expected = (year: 1900, month: 1, day: 1)
    let first = RFC3339.daysSinceEpoch(year: 1900, month: 1, day: 1)
    for day in first..<first + 146_097 {
      let date = RFC3339.civil(daysSinceEpoch: day)
      guard date == expected,
        RFC3339.daysSinceEpoch(year: date.year, month: date.month, day: date.day) == day
      else {
        Issue.record("day \(day) is \(date)")
        return
      }
      expected.day += 1
      if expected.day > RFC3339.daysInMonth(expected.month, of: expected.year) {
        expected =
          expected.month == 12
          ? (expected.year + 1, 1, 1) : (expected.year, expected.month + 1, 1)
      }
    }
    #expect(expected == (2300, 1, 1))
  }

  @Test(arguments: [
    "", "2026-11-23", "2026-11-23T18:43:25", "2026-11-23t18:43:25Z", "2026-11-23T18:43:25z",
    "2026-11-23T18:43:25+00:00", "2026-11-23 18:43:25Z", "2026-11-23T18:43:25.1Z",
    "2026-11-23T18:43:25.1234Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "+026-01-01T00:00:00Z",
    "2026-01-01T00:00:00,123Z", "２026-01-01T00:00:00Z",
  ])
  func anotherFormIsNoTime(text: String) {
    #expect(RFC3339.unixMilliseconds(text) == nil)
  }
}
