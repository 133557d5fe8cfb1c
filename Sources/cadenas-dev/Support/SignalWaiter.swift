import Glibc
import SystemCalls

/// Receives signals in the main thread's order of things instead of in a handler.
///
/// Made before any other thread starts, so that all of them inherit the blocked signals and the
/// kernel keeps each signal until ``wait(milliseconds:)`` takes it.
struct SignalWaiter {
  private let signals: [Int32]
  private let set: sigset_t

  init(_ signals: Int32...) {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    self.set = set
    self.signals = signals
  }

  /// Waits for one of the signals and takes it; nil when `milliseconds` have passed before.
  func wait(milliseconds: Int? = nil) -> Int32? {
    if let milliseconds { return Signals.take(signals, withinMilliseconds: milliseconds) }
    var set = set
    while true {
      let signal = unsafe sigwaitinfo(&set, nil)
      if signal > 0 { return signal }
    }
  }
}
