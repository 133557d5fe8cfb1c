import Glibc
import Synchronization

/// Checks what is said of state that the writer's thread alone touches: the first thread that asks,
/// in a batch, is the only one that may.
package struct ThreadConfinement: ~Copyable {
  /// The thread, or 0 before the first use.
  private let owner = Atomic<UInt>(0)

  /// Not bound to a thread yet.
  package init() {}

  /// Stops the process unless this is the thread of the first call.
  package func preconditionInThread() {
    let current = UInt(pthread_self())
    let known = owner.load(ordering: .relaxed)
    if known == current { return }
    precondition(known == 0, "state of the writer's thread is touched by another")
    owner.store(current, ordering: .relaxed)
  }
}
