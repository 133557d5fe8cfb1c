/// How soon a warm connection is opened again after one that did not come to stand, or did not last:
/// pure, and told the dice.
///
/// Twice as long after each failure in a row, from a second to a minute, and each time between half and
/// one and a half of that, so that many vaults do not come back at the same moment.
struct WarmPace: Equatable {
  private static let longestMilliseconds: Int64 = 60_000

  private var failures = 0

  /// A connection lasted, or served a message.
  mutating func succeeded() {
    failures = 0
  }

  /// One did not: milliseconds to wait before the next, 90,000 at most.
  ///
  /// - Parameter dice: a number from 0 to 1, at random.
  mutating func failed(dice: Double) -> Int64 {
    let base = min(Self.longestMilliseconds, 1_000 << Int64(min(failures, 6)))
    failures += 1
    return Int64(Double(base) * (0.5 + min(max(dice, 0), 1)))
  }
}
