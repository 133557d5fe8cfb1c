import Glibc
import Storage
import SystemCalls

/// Signals as values: blocked in every thread but the one that waits for them.
enum Signals {
  /// What the service listens to.
  enum Signal: Sendable {
    /// `SIGTERM`, `SIGINT`: drain and stop.
    case stop
    /// `SIGHUP`: read configuration, certificates and CRLs anew.
    case reload
  }

  private struct State {
    var hasStarted = false
    var wantsStop = false
    var wantsReload = false
  }

  private static let state = Monitor(State())

  /// Begins to wait for signals. Call it before any other thread is started, since threads inherit
  /// the mask.
  ///
  /// - Parameter endStart: what ends the process when it is to stop before ``startIsOver()``.
  /// - Throws: ``SystemFailure`` where there is no thread to be had.
  static func begin(_ endStart: @escaping @Sendable () -> Void) throws(SystemFailure) {
    var set = set()
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    _ = try WorkerThread(named: "cadenas-signals") {
      while true {
        var set = Self.set()
        var number: Int32 = 0
        guard unsafe sigwait(&set, &number) == 0 else { continue }
        let isStart = state.withLock { state in
          if number == SIGHUP { state.wantsReload = true } else { state.wantsStop = true }
          return !state.hasStarted && number != SIGHUP
        }
        if isStart { endStart() }
        state.broadcast()
      }
    }
  }

  /// Notes that clients may be answered from now on, so that a stop is one of a service, and waits for
  /// ``next()``.
  static func startIsOver() { state.withLock { $0.hasStarted = true } }

  /// Waits for the next signal.
  static func next() -> Signal {
    state.waitUntil { state in
      if state.wantsStop { return .stop }
      defer { state.wantsReload = false }
      return state.wantsReload ? .reload : nil
    }
  }

  /// Has `next()` return `.stop`, from within the process.
  static func requestStop() {
    state.withLock { $0.wantsStop = true }
    state.broadcast()
  }

  private static func set() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, signal) }
    return set
  }
}
