import Glibc

/// Signals as values: blocked in every thread, and taken by the one that waits for them.
enum Signals {
  /// What the service listens to.
  enum Signal: Sendable {
    /// `SIGTERM`, `SIGINT`: drain and stop.
    case stop
    /// `SIGHUP`: read configuration, certificates and CRLs anew.
    case reload
  }

  /// Blocks the signals. Call it before the first thread is started, since threads inherit the mask.
  static func block() {
    var set = set()
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  static func next() -> Signal {
    var set = set()
    var number: Int32 = 0
    while unsafe sigwait(&set, &number) != 0 {}
    return number == SIGHUP ? .reload : .stop
  }

  /// Has `next()` return `.stop`, from within the process.
  static func requestStop() {
    kill(getpid(), SIGTERM)
  }

  private static func set() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, signal) }
    return set
  }
}
