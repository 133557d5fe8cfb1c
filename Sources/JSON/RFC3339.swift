import Bytes

/// Times in UTC as RFC 3339 text: `2026-11-23T18:43:25Z`, or `2026-11-23T18:43:25.123Z`.
///
/// Only these two forms are written and read: capital letters, no offset but `Z`, no fraction or
/// exactly three digits, years 0000 to 9999, no leap second. The calendar is the proleptic
/// Gregorian one.
package enum RFC3339 {
  /// How finely a time is written.
  package enum Precision: Sendable {
    /// What is below a second is dropped.
    case seconds
    /// Three digits after the point, always.
    case milliseconds
  }

  /// 0000-01-01T00:00:00.000Z in milliseconds since 1970-01-01T00:00:00Z.
  package static let earliest: Int64 = -62_167_219_200_000
  /// 9999-12-31T23:59:59.999Z in milliseconds since 1970-01-01T00:00:00Z.
  package static let latest: Int64 = 253_402_300_799_999

  /// The text of a time. One outside ``earliest`` to ``latest`` is written as the nearest of them.
  package static func string(
    unixMilliseconds: Int64, precision: Precision = .seconds
  ) -> String {
    var bytes: [UInt8] = []
    append(unixMilliseconds: unixMilliseconds, precision: precision, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the text of a time to `bytes`; see ``string(unixMilliseconds:precision:)``.
  package static func append(
    unixMilliseconds: Int64, precision: Precision, to bytes: inout [UInt8]
  ) {
    let time = Swift.min(Swift.max(unixMilliseconds, earliest), latest)
    let days = floorDivide(time, by: millisecondsPerDay)
    let millisecondOfDay = Int(time - days * millisecondsPerDay)
    let date = civil(daysSinceEpoch: Int(days))
    bytes.append(addingCapacity: longest) { text in
      append(date.year / 100, to: &text)
      append(date.year % 100, then: "-", to: &text)
      append(date.month, then: "-", to: &text)
      append(date.day, then: "T", to: &text)
      append(millisecondOfDay / 3_600_000, then: ":", to: &text)
      append(millisecondOfDay / 60_000 % 60, then: ":", to: &text)
      append(millisecondOfDay / 1_000 % 60, to: &text)
      if precision == .milliseconds {
        text.append(UInt8(ascii: "."))
        text.append(digit(millisecondOfDay % 1_000 / 100))
        append(millisecondOfDay % 100, to: &text)
      }
      text.append(UInt8(ascii: "Z"))
    }
  }

  /// The milliseconds since 1970-01-01T00:00:00Z of a text in one of the two forms, or nil.
  package static func unixMilliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let pattern = Array(
      (bytes.count == 20 ? "0000-00-00T00:00:00Z" : "0000-00-00T00:00:00.000Z").utf8)
    guard bytes.count == pattern.count else { return nil }
    for (byte, expected) in zip(bytes, pattern) {
      guard expected == UInt8(ascii: "0") ? isDigit(byte) : byte == expected else { return nil }
    }
    func number(_ range: Range<Int>) -> Int {
      bytes[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
    let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    guard (1...12).contains(month), (1...daysInMonth(month, of: year)).contains(day),
      hour < 24, minute < 60, second < 60
    else { return nil }
    let millisecond = bytes.count == 20 ? 0 : number(20..<23)
    let seconds = ((hour * 60) + minute) * 60 + second
    return Int64(daysSinceEpoch(year: year, month: month, day: day)) * millisecondsPerDay
      + Int64(seconds * 1_000 + millisecond)
  }

  private static let millisecondsPerDay: Int64 = 86_400_000
  /// Characters of a time with milliseconds.
  private static let longest = 24

  private static func append(_ value: Int, to text: inout OutputSpan<UInt8>) {
    text.append(digit(value / 10))
    text.append(digit(value % 10))
  }

  private static func append(
    _ value: Int, then separator: Unicode.Scalar, to text: inout OutputSpan<UInt8>
  ) {
    append(value, to: &text)
    text.append(UInt8(ascii: separator))
  }

  private static func digit(_ value: Int) -> UInt8 { UInt8(ascii: "0") + UInt8(value) }
}

// MARK: - Calendar

extension RFC3339 {
  /// The date of a day, counted from 1970-01-01 as day 0.
  ///
  /// Years are taken to begin in March, so that the leap day is a year's last; 146,097 days are one
  /// cycle of 400 years.
  /// - Source: H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`.
  package static func civil(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = daysSinceEpoch + 719_468
    let cycle = Int(floorDivide(Int64(shifted), by: 146_097))
    let dayOfCycle = shifted - cycle * 146_097
    let yearOfCycle =
      (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// The day of a date, counted from 1970-01-01 as day 0.
  ///
  /// - Source: as ``civil(daysSinceEpoch:)``, `days_from_civil`.
  package static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let yearFromMarch = month <= 2 ? year - 1 : year
    let cycle = Int(floorDivide(Int64(yearFromMarch), by: 400))
    let yearOfCycle = yearFromMarch - cycle * 400
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
    return cycle * 146_097 + dayOfCycle - 719_468
  }

  /// How many days `month` (1 to 12) has in `year`.
  static func daysInMonth(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func floorDivide(_ value: Int64, by divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
  }
}
