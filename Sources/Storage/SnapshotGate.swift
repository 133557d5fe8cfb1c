import Glibc
import Synchronization
import SystemCalls

/// Lets no snapshot begin that is older than what was acknowledged before it was asked for.
///
/// The writer says what it has told clients of, and how much of that LMDB has committed. Where LMDB lacks
/// something, who wants a snapshot has the writer commit, and waits with all who wait.
final class SnapshotGate: Sendable {
  private struct State {
    var committed: UInt64 = 0
    var isWanted = false
    /// How often there was no room to commit.
    var refusals = 0
    /// Whether the writer has ended, so that nothing will be committed any more.
    var hasEnded = false
  }

  /// Batches that somebody may have been told of.
  private let acknowledged = Atomic<UInt64>(0)
  /// Of these, the ones that every snapshot sees which begins from now on.
  private let committed = Atomic<UInt64>(0)
  /// The writer's thread; 0 where none runs.
  private let writer = Atomic<UInt>(0)
  /// When the oldest batch became durable that LMDB does not have, on the monotonic clock.
  private let sinceNanoseconds = Atomic<UInt64>(0)
  private let state = Monitor(State())

  // MARK: - The writer

  /// The calling thread is the writer's from now on.
  func begin() { writer.store(UInt(pthread_self()), ordering: .relaxed) }

  /// A batch is durable, and nobody has been told of it yet.
  func noteAcknowledged(atNanoseconds now: UInt64) {
    if acknowledged.load(ordering: .relaxed) == committed.load(ordering: .relaxed) {
      sinceNanoseconds.store(now, ordering: .relaxed)
    }
    acknowledged.add(1, ordering: .releasing)
  }

  /// LMDB has been committed with every batch that was acknowledged.
  func noteCommitted() {
    let now = acknowledged.load(ordering: .relaxed)
    committed.store(now, ordering: .releasing)
    let isAwaited = state.withLock { state in
      state.committed = now
      defer { state.isWanted = false }
      return state.isWanted
    }
    if isAwaited { state.broadcast() }
  }

  /// LMDB cannot be committed for want of room: who waits for it need not wait any longer.
  func noteLackOfRoom() {
    state.withLock { state in
      state.isWanted = false
      state.refusals += 1
    }
    state.broadcast()
  }

  /// Nothing will be committed any more.
  func end() {
    writer.store(0, ordering: .relaxed)
    state.withLock { $0.hasEnded = true }
    state.broadcast()
  }

  // MARK: - Readers

  /// Whether a snapshot that begins now sees all that was acknowledged.
  var isOpen: Bool {
    let asked = acknowledged.load(ordering: .acquiring)
    return committed.load(ordering: .acquiring) >= asked
  }

  /// What LMDB does not have yet.
  var pending: PendingFrames {
    let committed = committed.load(ordering: .acquiring)
    let acknowledged = acknowledged.load(ordering: .acquiring)
    return PendingFrames(
      count: Int(acknowledged - min(committed, acknowledged)),
      sinceNanoseconds: sinceNanoseconds.load(ordering: .relaxed))
  }

  /// Waits until it does, where it does not.
  ///
  /// - Parameter askForCommit: has the writer commit soon.
  /// - Throws: ``StorageError/writingEnded`` where that will not come, ``StorageError/full`` where there is no
  ///   room for it.
  func pass(askForCommit: () -> Void) throws(StorageError) {
    let asked = acknowledged.load(ordering: .acquiring)
    precondition(
      writer.load(ordering: .relaxed) != UInt(pthread_self()),
      "a snapshot on the writer's thread would wait for itself")
    guard committed.load(ordering: .acquiring) < asked else { return }
    let refusals = state.withLock { state in
      state.isWanted = true
      return state.refusals
    }
    askForCommit()
    let failure: StorageError?? = state.waitUntil { state in
      if state.committed >= asked { return .some(nil) }
      if state.hasEnded { return .writingEnded }
      return state.refusals > refusals ? .full : nil
    }
    if let failure = failure ?? nil { throw failure }
  }
}

/// Batches that are durable in the journal, and that LMDB does not have yet.
package struct PendingFrames: Equatable, Sendable {
  package var count = 0
  /// When the oldest became durable, on the monotonic clock; of no meaning where there is none.
  package var sinceNanoseconds: UInt64 = 0
}
