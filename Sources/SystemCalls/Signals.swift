internal import Glibc

/// Signals that a process takes in its own order of things.
package enum Signals {
  /// Takes one of `signals`, which are blocked, and waits for it at most so long; nil when none came.
  package static func take(_ signals: [Int32], withinMilliseconds milliseconds: Int) -> Int32? {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    var limit = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    while true {
      let signal = unsafe sigtimedwait(&set, nil, &limit)
      if signal > 0 { return signal }
      if errno == EAGAIN { return nil }
    }
  }
}
