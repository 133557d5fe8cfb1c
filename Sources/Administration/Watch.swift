internal import Glibc

/// Looks again and again at what another thread does.
struct Watch {
  /// How long it waits between two looks.
  let lookMilliseconds: UInt32
  /// Looks in a row without news after which something is told all the same, so that one who works is
  /// not taken for one who does not answer, and one who has gone away is found out.
  var quietLooks = Int.max
  private var quiet = 0

  init(lookMilliseconds: UInt32, quietLooks: Int = .max) {
    self.lookMilliseconds = lookMilliseconds
    self.quietLooks = quietLooks
  }

  /// Waits until the next look.
  func wait() { usleep(lookMilliseconds * 1_000) }

  /// Notes what a look has found; true after ``quietLooks`` without news, which are counted anew then.
  mutating func isQuiet(afterNews hasNews: Bool) -> Bool {
    quiet = hasNews ? 0 : quiet + 1
    guard quiet >= quietLooks else { return false }
    quiet = 0
    return true
  }
}
