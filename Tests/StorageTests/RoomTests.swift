import Bytes
import Storage
import TestSupport
import Testing

@Suite struct RoomTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Puts cards, many at a time, until one is refused; returns how many are stored.
  private func fill(_ store: Store, valueBytes: Int = 161) throws -> Int {
    var stored = 0
    for round in 0..<1000 {
      let jobs = (0..<100).map { number in
        Job { try $0.append(round * 100 + number, valueBytes: valueBytes) }
      }
      for job in jobs { store.submit(job) }
      store.drain()
      let refused = jobs.filter { !$0.succeeded }
      stored += jobs.count - refused.count
      #expect(refused.allSatisfy { $0.storageError == .full })
      if !refused.isEmpty { return stored }
    }
    Issue.record("the store was never full")
    return stored
  }

  private func keys(_ store: Store) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try store.read { transaction in
      try transaction.forEach(in: .cards) { key, _ in
        found.append(key.array)
        return true
      }
    }
    return found
  }

  @Test(arguments: [1 << 20, 2 << 20])
  func `a full store deletes everything and takes cards again`(mapSize: Int) throws {
    let store = try directory.newStore(mapSize: mapSize)
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    // Large cards, since each is deleted by a commit of its own.
    let stored = try fill(store, valueBytes: 1000)
    #expect(try store.count() == stored)
    // More than half of the map holds cards: the reserve is not most of it.
    #expect(stored * 1024 > mapSize / 2)

    let ordinary = Job { try $0.put(1_000_000) }
    store.submit(ordinary)
    store.drain()
    #expect(ordinary.storageError == .full)

    for key in try keys(store) {
      let job = Job(.reserved) { try $0.delete(key.rawSpan, in: .cards) }
      store.submit(job)
      store.drain()
      try #require(job.succeeded, "a deletion was refused: \(String(describing: job.error))")
    }
    #expect(try store.count() == 0)

    let again = Job { try $0.put(1_000_000) }
    store.submit(again)
    store.drain()
    #expect(again.succeeded)
    store.stopWriter()
  }

  @Test func `a full store deletes in one batch too`() throws {
    let store = try directory.newStore(mapSize: 2 << 20)
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    let stored = try fill(store)
    let jobs = try keys(store).map { key in
      Job(.reserved) { try $0.delete(key.rawSpan, in: .cards) }
    }
    store.commitTogether(jobs)
    #expect(jobs.count == stored)
    #expect(jobs.allSatisfy { $0.succeeded })
    #expect(try store.count() == 0)
  }

  @Test func `a job that is too big is refused and its reserved neighbours are not`() throws {
    let store = try directory.newStore(mapSize: 1 << 20)
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    let before = Job(.reserved) { try $0.put(1) }
    let tooBig = Job { try $0.put(2, valueBytes: 2 << 20) }
    let tooBigReserved = Job(.reserved) { try $0.put(3, valueBytes: 2 << 20) }
    let after = Job(.reserved) { try $0.put(4) }
    store.commitTogether([before, tooBig, tooBigReserved, after])
    #expect(before.succeeded && after.succeeded)
    #expect(tooBig.storageError == .full)
    #expect(tooBigReserved.storageError == .full)
    #expect(try store.count() == 2)
  }

  @Test func `a job that hides the store's being full does not get through`() throws {
    let store = try directory.newStore(mapSize: 1 << 20)
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    let job = Job {
      try? $0.put(1, valueBytes: 2 << 20)
    }
    store.commitTogether([job])
    #expect(job.storageError == .full)
    let later = Job { try $0.put(2) }
    store.commitTogether([later])
    #expect(later.succeeded)
  }
}
