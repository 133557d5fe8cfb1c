import Glibc
import Vault

/// The clocks of the machine.
enum Clocks {
  /// What the vault reads.
  static let vault = Clock(
    milliseconds: { unixMilliseconds() },
    monotonicNanoseconds: {
      let now = time(CLOCK_MONOTONIC)
      return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    })

  /// Milliseconds since 1970-01-01 00:00 UTC.
  static func unixMilliseconds() -> Int64 {
    let now = time(CLOCK_REALTIME)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
  }

  private static func time(_ clock: clockid_t) -> timespec {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return now
  }
}
