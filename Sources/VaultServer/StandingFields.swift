import JSON
import NIOCore

/// The fields that all answers of one second have alike: `Date`, and what becomes of the connection.
///
/// Made anew when an answer is written in another second than the one before, so that an answer
/// copies bytes and reckons nothing.
struct StandingFields {
  /// With the empty line, for a connection that stays open: until when is told, so that a client does
  /// not send its next request into the end.
  private(set) var open = ByteBuffer()
  /// With the empty line, for a connection that is closed.
  private(set) var closing = ByteBuffer()

  private let idleSeconds: Int64
  private var unixSeconds: Int64

  /// - Parameters:
  ///   - idleSeconds: how long a connection stays open without a request; below one it isn't told.
  ///   - unixSeconds: the time, in seconds since 1970-01-01T00:00:00Z.
  init(idleSeconds: Int64, at unixSeconds: Int64) {
    self.idleSeconds = idleSeconds
    self.unixSeconds = unixSeconds
    write()
  }

  /// Puts the time in.
  mutating func update(to unixSeconds: Int64) {
    guard unixSeconds != self.unixSeconds else { return }
    self.unixSeconds = unixSeconds
    write()
  }

  private mutating func write() {
    let date = "Date: \(HTTPDate.string(unixSeconds: unixSeconds))\r\n"
    let hint =
      idleSeconds > 0 ? "Connection: keep-alive\r\nKeep-Alive: timeout=\(idleSeconds)\r\n" : ""
    open = ByteBuffer(string: "\(date)\(hint)\r\n")
    closing = ByteBuffer(string: "\(date)Connection: close\r\n\r\n")
  }
}

/// Times as fields of HTTP have them: `Sun, 06 Nov 1994 08:49:37 GMT`.
/// - Source: RFC 9110, 5.6.7 (`IMF-fixdate`).
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  private static let secondsPerDay: Int64 = 86_400

  /// The text of a time; one outside the years 1970 to 9999 is written as the nearest of them.
  ///
  /// - Parameter unixSeconds: seconds since 1970-01-01T00:00:00Z.
  static func string(unixSeconds: Int64) -> String {
    let time = min(max(unixSeconds, 0), RFC3339.latest / 1_000)
    let (day, second) = time.quotientAndRemainder(dividingBy: secondsPerDay)
    let date = RFC3339.civil(daysSinceEpoch: Int(day))
    // 1970-01-01 was a Thursday.
    let name = days[Int((day + 4) % 7)]
    let clock = [second / 3_600, second / 60 % 60, second % 60].map(twoDigits)
    return "\(name), \(twoDigits(Int64(date.day))) \(months[date.month - 1]) \(date.year) "
      + clock.joined(separator: ":") + " GMT"
  }

  private static func twoDigits(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
