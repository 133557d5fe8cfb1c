import Glibc
import SystemCalls

/// How long the writer waits for those who read while there is no room for an outcome: two seconds of
/// twenty, since everybody waits for the writer, and a backup may read for minutes.
struct ReaderPatience {
  private static let mostNanoseconds: UInt64 = 2_000_000_000
  private static let periodNanoseconds: UInt64 = 20_000_000_000
  /// Between two looks.
  private static let pauseMicroseconds: UInt32 = 500

  private var left: UInt64 = 0
  private var periodEnds: UInt64 = 0

  /// Waits until the oldest reader is another one; false where there is none, or the time is used up.
  ///
  /// - Parameter oldestReader: the transaction that it sees.
  mutating func wait(for oldestReader: () -> Int?) -> Bool {
    guard let waitedFor = oldestReader() else { return false }
    let began = SystemClock.monotonicNanoseconds()
    if began >= periodEnds {
      left = Self.mostNanoseconds
      periodEnds = began + Self.periodNanoseconds
    }
    var now = began
    defer { left -= min(left, now - began) }
    while now - began < left {
      usleep(Self.pauseMicroseconds)
      now = SystemClock.monotonicNanoseconds()
      if oldestReader() != waitedFor { return true }
    }
    return false
  }
}
