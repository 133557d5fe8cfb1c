import Glibc

/// State behind a lock, with one condition to wait for. Locks are held for moments only.
// Sendable is unchecked because of the state: it is touched with the mutex held and never else.
@safe package final class Monitor<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private let state: UnsafeMutablePointer<State>

  package init(_ initial: State) {
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe state = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    let failures =
      unsafe pthread_mutex_init(mutex, nil) | pthread_condattr_init(&attributes)
      | pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      | pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
    precondition(failures == 0, "the system gives no mutex")
    unsafe state.initialize(to: initial)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` with the lock held.
  package func withLock<R>(_ body: (inout State) -> R) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return unsafe body(&state.pointee)
  }

  /// Waits until `body`, which runs with the lock held, returns a value.
  package func waitUntil<R>(_ body: (inout State) -> R?) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = unsafe body(&state.pointee) { return result }
      unsafe pthread_cond_wait(condition, mutex)
    }
  }

  /// Waits until `body` returns a value, or, with nil, until a time has passed.
  package func wait<R>(for duration: Duration, _ body: (inout State) -> R?) -> R? {
    let nanoseconds = UInt64(max(duration / .nanoseconds(1), 0))
    return wait(untilNanoseconds: SystemClock.monotonicNanoseconds() + nanoseconds, body)
  }

  /// Waits until `body` returns a value, or, with nil, until a moment of the monotonic clock.
  package func wait<R>(untilNanoseconds deadline: UInt64, _ body: (inout State) -> R?) -> R? {
    var time = timespec(
      tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = unsafe body(&state.pointee) { return result }
      // Whatever else it may return, a wait that is over has to end here.
      guard unsafe pthread_cond_timedwait(condition, mutex, &time) == 0 else { return nil }
    }
  }

  /// Wakes one thread that waits.
  package func signal() { unsafe pthread_cond_signal(condition) }

  /// Wakes every thread that waits.
  package func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
