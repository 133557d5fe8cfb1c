import Glibc
import LMDB
import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite struct WriterTests {
  private struct Refusal: Error, Equatable {}

  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore()
  }

  private func start(limits: WriterLimits = WriterLimits()) throws {
    try store.startWriter(limits: limits) { error in
      Issue.record("writing ended: \(error)")
    }
  }

  @Test func `what a job puts is there when it completes`() throws {
    try start()
    let jobs = (0..<100).map { number in Job { try $0.put(number) } }
    for job in jobs { store.submit(job) }
    store.stopWriter()
    #expect(jobs.allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(try store.count() == 100)
  }

  @Test func `jobs are applied and completed in the order of their submission`() throws {
    try start()
    let order = Collected<Int>()
    for number in 0..<3000 {
      store.submit(
        Job(completion: { order.append(number) }) { try $0.append(number) })
    }
    store.stopWriter()
    #expect(order.elements == Array(0..<3000))
    #expect(try store.count() == 3000)
  }

  @Test func `a job that throws leaves nothing behind and its batch goes on without it`() throws {
    try start()
    let before = Job { try $0.put(1) }
    let failing = Job { transaction in
      try transaction.put(2)
      _ = try transaction.delete(1)
      throw Refusal()
    }
    let after = Job { transaction in
      guard try transaction.contains(1), try !transaction.contains(2) else { throw Refusal() }
      try transaction.put(3)
    }
    store.commitTogether([before, failing, after])
    #expect(before.succeeded)
    #expect(failing.error as? Refusal == Refusal())
    #expect(after.succeeded)
    #expect(try store.read { try $0.contains(1) && !$0.contains(2) && $0.contains(3) })
  }

  @Test func `a batch in which every job throws changes nothing`() throws {
    try start()
    let jobs = (0..<50).map { number in
      Job { transaction in
        try transaction.put(number)
        throw Refusal()
      }
    }
    store.commitTogether(jobs)
    #expect(jobs.allSatisfy { $0.error is Refusal && $0.completions == 1 })
    #expect(try store.count() == 0)
  }

  @Test func `an error of a key does not spoil the batch`() throws {
    try start()
    let first = Job { try $0.append(5) }
    let second = Job { transaction in
      // Refused by LMDB, caught by the job: the transaction is as it was.
      #expect(throws: StorageError(LMDBError(.keyExists, in: .put))) {
        try transaction.append(4)
      }
      try transaction.append(6)
    }
    store.commitTogether([first, second])
    #expect(first.succeeded && second.succeeded)
    #expect(try store.count() == 2)
  }

  @Test func `an error that the engine has only at the commit is its own job's`() throws {
    try start()
    try store.perform { (transaction) throws(StorageError) in try transaction.append(5) }
    let others = [Job { try $0.put(1) }, Job(.reserved) { try $0.put(2) }]
    let failing = Job { try $0.append(4) }
    store.commitTogether([others[0], failing, others[1]])
    #expect(failing.storageError == StorageError(LMDBError(.keyExists, in: .put)))
    #expect(failing.completions == 1)
    #expect(others.allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(try store.count() == 3)
  }

  @Test func `past its limit the queue refuses at once and keeps room for reserved jobs`() throws {
    try start(limits: WriterLimits(queue: 4, batch: 2, reservedQueue: 2))
    let blocker = Blocker(store)
    let accepted = (0..<4).map { number in Job { try $0.put(number) } }
    for job in accepted { store.submit(job) }
    let refused = Job { try $0.put(10) }
    store.submit(refused)
    #expect(refused.storageError == .overloaded)
    let reserved = (20..<22).map { number in Job(.reserved) { try $0.put(number) } }
    for job in reserved { store.submit(job) }
    #expect(reserved.allSatisfy { $0.completions == 0 })
    let tooMany = Job(.reserved) { try $0.put(30) }
    store.submit(tooMany)
    #expect(tooMany.storageError == .overloaded)
    blocker.open()
    store.stopWriter()
    #expect((accepted + reserved).allSatisfy { $0.succeeded })
    #expect(try store.count() == 6)
  }

  @Test func `stopping completes what was accepted and refuses what comes later`() throws {
    try start(limits: WriterLimits(queue: 2000, batch: 10))
    let blocker = Blocker(store)
    let jobs = (0..<1000).map { number in Job { try $0.put(number) } }
    for job in jobs { store.submit(job) }
    blocker.open()
    store.stopWriter()
    #expect(jobs.allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(try store.count() == 1000)
    let late = Job { try $0.put(5000) }
    store.submit(late)
    #expect(late.storageError == .stopped)
    store.stopWriter()
  }

  @Test func `before the writer is started nothing is accepted`() throws {
    let job = Job { try $0.put(1) }
    store.submit(job)
    #expect(job.storageError == .stopped)
  }

  @Test func `jobs from many threads complete once each`() throws {
    try start()
    let jobs = (0..<8).map { thread in
      (0..<500).map { number in Job { try $0.put(thread * 1000 + number) } }
    }
    let threads = try jobs.map { list in
      try TestThread { [store] in for job in list { store.submit(job) } }
    }
    for thread in threads { thread.join() }
    store.stopWriter()
    #expect(jobs.joined().allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(try store.count() == 4000)
  }

  @Test func `a store opened for reading has no writer`() throws {
    let other = try TemporaryDirectory()
    try Store.create(
      at: other.store, mapSize: 1 << 20, storeIdentifier: TemporaryDirectory.identifier())
    let readOnly = try Store.open(
      at: other.store, mapSize: 1 << 20, options: Store.Options(isReadOnly: true))
    #expect(throws: StorageError.system(call: "startWriter", errno: EROFS)) {
      try readOnly.startWriter() { _ in }
    }
    #expect(try readOnly.count() == 0)
  }

  @Test func `a store that is let go while its writer runs is closed in order`() throws {
    let other = try TemporaryDirectory()
    let job = Job { try $0.put(1) }
    do {
      let store = try other.newStore()
      try store.startWriter() { _ in }
      store.submit(job)
    }
    #expect(job.succeeded)
    let again = try Store.open(at: other.store, mapSize: 8 << 20)
    #expect(try again.count() == 1)
  }
}
