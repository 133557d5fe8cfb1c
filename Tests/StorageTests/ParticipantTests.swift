import Storage
import Synchronization
import TestSupport
import Testing

@Suite struct ParticipantTests {
  private struct Refusal: Error, Equatable {}

  /// Counts jobs, and keeps the count under one key of `meta`, once for each batch.
  private final class Counter: BatchParticipant {
    struct State {
      var pending = 0
      var durable = 0
      var commits = 0
      var aborts = 0
      var writes = 0
      var refuses = false
    }

    let state = Mutex(State())

    func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
      let (count, refuses) = state.withLock { state in
        state.writes += 1
        return (state.pending, state.refuses)
      }
      guard !refuses else { throw .cancelled }
      try transaction.put(count, in: .meta)
    }

    func batchDidCommit() {
      state.withLock { state in
        state.durable = state.pending
        state.commits += 1
      }
    }

    func batchDidAbort() {
      state.withLock { state in
        state.pending = state.durable
        state.aborts += 1
      }
    }

    func count() { state.withLock { $0.pending += 1 } }
  }

  private let directory: TemporaryDirectory
  private let store: Store
  private let counter = Counter()

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore()
    try store.startWriter(participant: counter) { error in
      Issue.record("writing ended: \(error)")
    }
  }

  private func job(_ number: Int) -> Job {
    Job { [counter] transaction in
      counter.count()
      try transaction.put(number)
    }
  }

  @Test func `a participant writes once for each batch`() throws {
    store.commitTogether((0..<10).map { job($0) })
    store.stopWriter()
    let state = counter.state.withLock { $0 }
    #expect(state.durable == 10)
    // One batch each for the blocker, the ten jobs and the one that waits for them, at most.
    #expect(state.writes <= 3)
    #expect(state.commits == state.writes)
    #expect(state.aborts == 0)
    #expect(try store.read { try $0.contains(10, in: .meta) })
  }

  @Test func `a participant goes back when a job throws`() throws {
    let failing = Job { [counter] _ in
      counter.count()
      throw Refusal()
    }
    store.commitTogether([job(1), failing, job(2)])
    store.stopWriter()
    let state = counter.state.withLock { $0 }
    #expect(state.aborts == 1)
    #expect(state.durable == 2)
    #expect(try store.read { try $0.contains(2, in: .meta) && !$0.contains(3, in: .meta) })
  }

  @Test func `a participant that throws fails its batch and no other`() throws {
    counter.state.withLock { $0.refuses = true }
    let failed = [job(1), job(2)]
    store.commitTogether(failed)
    #expect(failed.allSatisfy { $0.storageError == .cancelled })
    counter.state.withLock { $0.refuses = false }
    let later = job(3)
    store.commitTogether([later])
    #expect(later.succeeded)
    #expect(try store.count() == 1)
    #expect(counter.state.withLock { $0.durable } == 1)
  }
}
