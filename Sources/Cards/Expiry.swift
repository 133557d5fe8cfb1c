/// The month printed on a card as its last.
package struct Expiry: Hashable, Comparable, Sendable {
  /// The years that an expiry may have.
  package static let years = 2000...2099

  /// 1 to 12.
  package let month: Int
  /// 2000 to 2099.
  package let year: Int

  /// - Throws: ``CardError/invalidExpiry``.
  package init(month: Int, year: Int) throws(CardError) {
    guard (1...12).contains(month), Expiry.years.contains(year) else { throw .invalidExpiry }
    self.month = month
    self.year = year
  }

  /// The first moment at which the card is no longer good: 12:00 UTC on the first of the month
  /// after, when that month has begun everywhere on earth. Seconds since 1970-01-01T00:00:00Z.
  package var endUnixSeconds: Int64 {
    let followingMonth = month % 12 + 1
    let yearsSince2000 = (month == 12 ? year + 1 : year) - 2000
    // From 2000 to 2100 every fourth year begins with a leap day still to come, 2100 excepted,
    // of which only the first of January matters here.
    let isLeapYear = yearsSince2000 % 4 == 0
    var days = 10_957 + 365 * yearsSince2000 + (yearsSince2000 + 3) / 4
    days += Expiry.daysBeforeMonth[followingMonth - 1]
    if isLeapYear, followingMonth > 2 { days += 1 }
    return Int64(days) * 86_400 + 43_200
  }

  /// Whether the card is no longer good at a time, in seconds since 1970-01-01T00:00:00Z.
  package func isExpired(at unixSeconds: Int64) -> Bool { unixSeconds >= endUnixSeconds }

  /// Orders by time.
  package static func < (left: Expiry, right: Expiry) -> Bool {
    (left.year, left.month) < (right.year, right.month)
  }

  private static let daysBeforeMonth = [
    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334,
  ]
}
