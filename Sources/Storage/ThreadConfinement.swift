import Glibc
import Synchronization

/// Checks what is said of state that one thread alone touches, the store's writer: the first that
/// uses it is the only one that may, until it lets go.
package struct ThreadConfinement: ~Copyable {
  /// The thread, or 0 where there is none.
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

  /// Lets go, in the thread: for state that goes from hand to hand between two batches, where no
  /// writer runs.
  package func release() {
    preconditionInThread()
    owner.store(0, ordering: .relaxed)
  }
}
