import Glibc
import Synchronization

/// A thread for work beside the writer: writing an index, verifying a store.
package final class WorkerThread: Sendable {
  private let thread: Mutex<pthread_t?>

  /// Starts a thread that runs `body` once.
  ///
  /// - Parameter name: what process tools show, 15 bytes at most.
  /// - Throws: ``SystemFailure`` where there is no thread to be had.
  package init(
    named name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemFailure) {
    thread = Mutex(try ThreadStart(name: name, body).launch())
  }

  /// Waits until `body` has returned. Once.
  package func join() {
    guard let thread = thread.withLock({ $0.take() }) else { return }
    pthread_join(thread, nil)
  }
}
