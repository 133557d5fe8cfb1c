import ArgumentParser
import JSON

/// A time on the command line: RFC 3339, in UTC or with an offset from it, or a date in UTC.
enum TimeArgument {
  private static let dayMilliseconds: Int64 = 86_400_000
  private static let minuteMilliseconds: Int64 = 60_000

  /// - Parameter endOfDay: whether a date means the end of its day, and not its beginning.
  static func milliseconds(_ text: String, endOfDay: Bool) throws -> Int64 {
    if let time = RFC3339.unixMilliseconds(text) { return time }
    if text.utf8.count == 10, let day = RFC3339.unixMilliseconds(text + "T00:00:00Z") {
      return day + (endOfDay ? dayMilliseconds : 0)
    }
    if let minutes = offsetMinutes(text.suffix(6)),
      let time = RFC3339.unixMilliseconds(text.dropLast(6) + "Z")
    {
      return time - minutes * minuteMilliseconds
    }
    throw ValidationError(
      "a time is 2026-11-23, 2026-11-23T18:43:25Z (UTC) or 2026-11-23T19:43:25+01:00")
  }

  /// What `+02:00` says: how far local time is ahead of UTC, in minutes; nil for another form.
  private static func offsetMinutes(_ text: Substring) -> Int64? {
    guard let parts = text.wholeMatch(of: #/([+-])([01][0-9]|2[0-3]):([0-5][0-9])/#)?.output,
      let hours = Int64(parts.2), let minutes = Int64(parts.3)
    else { return nil }
    return (parts.1 == "-" ? -1 : 1) * (hours * 60 + minutes)
  }
}
