import Ledgers
import SystemCalls

extension Clock {
  /// The clocks of the machine.
  static let machine = Clock(
    milliseconds: SystemClock.unixMilliseconds,
    monotonicNanoseconds: SystemClock.monotonicNanoseconds)
}
