import Glibc
import LMDB
import TestSupport
import Testing

@testable import Storage

@Suite struct CompactionTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore(mapSize: 64 << 20)
  }

  private func start() throws {
    try store.startWriter() { Issue.record("writing ended: \($0)") }
  }

  private func size(_ file: String) throws -> Int {
    try contents(of: "\(directory.store)/\(file)").count
  }

  @Test func `compaction keeps every entry and gives the rest of the file back`() throws {
    try store.fillAndDelete()
    let rows = try store.rows()
    let before = try size("cards.mdb")
    let result = try store.compact()
    #expect(try store.rows() == rows)
    #expect(result.bytesBefore == before)
    #expect(try result.bytesAfter == size("cards.mdb"))
    #expect(result.bytesAfter < before / 4)
    #expect(result.nanosecondsPaused > 0)
    for file in ["cards.mdb", "cards.mdb-lock"] { #expect(directory.mode(of: file) == 0o600) }
    for file in ["cards.mdb.compact", "cards.mdb.compact-lock"] {
      #expect(!directory.exists(file), "\(file)")
    }
    let statistics = try store.statistics()
    #expect(statistics.fileBytes == result.bytesAfter)
    #expect(statistics.mapBytes == 64 << 20)
  }

  @Test func `a compacted store is written, compacted again and opened like any other`() throws {
    try store.fillAndDelete()
    let first = try store.compact()
    try store.write { try $0.put(100_000) }
    let second = try store.compact()
    #expect(second.bytesBefore >= first.bytesAfter)
    let third = try store.compact()
    #expect(third.bytesAfter == second.bytesAfter)
    #expect(try store.read { try $0.contains(100_000) })
  }

  @Test func `what was compacted is there at the next start`() throws {
    let other = try TemporaryDirectory()
    let rows: [Row]
    do {
      let store = try other.newStore()
      try store.fillAndDelete(200)
      _ = try store.compact()
      try store.write { try $0.put(100_000) }
      rows = try store.rows()
    }
    #expect(try Store.open(at: other.store, mapSize: 8 << 20).rows() == rows)
  }

  @Test func `under writers and readers no job fails and nothing is lost`() throws {
    try store.fillAndDelete(500)
    let before = try store.count()
    try start()
    let jobs = Collected<Job>()
    let isDone = Collected<Bool>()
    let writers = try (1...4).map { writer in
      try TestThread { [store] in
        var number = writer * 1_000_000
        while isDone.elements.isEmpty {
          number += 1
          let done = Gate()
          let job = Job(completion: { done.open() }) { [number] in try $0.put(number) }
          store.submit(job)
          done.wait()
          jobs.append(job)
        }
      }
    }
    let readers = try (1...2).map { _ in
      try TestThread { [store] in
        while isDone.elements.isEmpty {
          store.read { transaction in
            // Both are of one snapshot, whatever is swapped meanwhile.
            let count = try? transaction.count(of: .cards)
            let rows = try? transaction.rows().count { $0.table == .cards }
            #expect(count == rows)
          }
        }
      }
    }
    for _ in 0..<8 { _ = try store.compact() }
    isDone.append(true)
    for thread in writers + readers { thread.join() }
    store.stopWriter()
    #expect(jobs.elements.allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(try store.count() == before + jobs.elements.count)
  }

  @Test func `a snapshot that began before the swap stays as it was`() throws {
    try start()
    try store.perform { for number in 0..<1000 { try $0.put(number) } }
    try store.read { transaction in
      let rows = try transaction.rows()
      _ = try store.compact()
      try store.perform { for number in 0..<900 { _ = try $0.delete(number, in: .cards) } }
      _ = try store.compact()
      #expect(try transaction.rows() == rows)
      #expect(try store.count() == 100)
    }
    #expect(try store.count() == 100)
  }

  @Test func `jobs wait while a compaction runs and keep their order`() throws {
    try start()
    let order = Collected<Int>()
    let jobs = (0..<200).map { number in
      Job(completion: { order.append(number) }) { try $0.append(number) }
    }
    for job in jobs[..<100] { store.submit(job) }
    var queued = 0
    _ = try store.compact { _, _ in
      guard queued == 0 else { return true }
      queued = 100
      for job in jobs[100...] { store.submit(job) }
      return jobs[100...].allSatisfy { $0.completions == 0 }
    }
    store.drain()
    #expect(queued == 100)
    #expect(jobs.allSatisfy { $0.succeeded && $0.completions == 1 })
    #expect(order.elements == Array(0..<200))
  }

  @Test func `a compaction that is no longer wanted changes nothing`() throws {
    try store.fillAndDelete()
    try start()
    let rows = try store.rows()
    var calls = 0
    #expect(throws: StorageError.cancelled) {
      try store.compact { done, total in
        calls += 1
        #expect(done <= total && total == rows.count + 3)
        return calls < 3
      }
    }
    #expect(calls == 3)
    #expect(!directory.exists("cards.mdb.compact"))
    #expect(try store.rows() == rows)
    try store.perform { try $0.put(100_000) }
    #expect(try store.compact().bytesAfter > 0)
  }

  @Test func `stopping the writer gives a running compaction up`() throws {
    try store.fillAndDelete(100)
    try start()
    let entered = Gate()
    let release = Gate()
    let errors = Collected<StorageError?>()
    let compacting = try TestThread { [store] in
      do throws(StorageError) {
        var isFirst = true
        _ = try store.compact { _, _ in
          if isFirst {
            isFirst = false
            entered.open()
            release.wait()
          }
          return true
        }
        errors.append(nil)
      } catch { errors.append(error) }
    }
    entered.wait()
    let accepted = Job { try $0.put(100_000) }
    store.submit(accepted)
    let stopping = try TestThread { [store] in store.stopWriter() }
    // The writer is stopping when it accepts nothing any more.
    var refused = Job { _ in }
    repeat {
      sched_yield()
      refused = Job { _ in }
      store.submit(refused)
    } while refused.storageError != .stopped
    release.open()
    compacting.join()
    stopping.join()
    #expect(errors.elements == [.stopped])
    #expect(accepted.succeeded)
    #expect(!directory.exists("cards.mdb.compact"))
    // Where no writer runs, the caller's thread compacts.
    #expect(try store.compact().bytesAfter > 0)
  }

  @Test func `writes without the writer wait and are in the new file`() throws {
    let threads = try (0..<4).map { thread in
      try TestThread { [store] in
        for number in 0..<100 {
          do {
            try store.write { try $0.put(thread * 1000 + number) }
          } catch { Issue.record("not written: \(error)") }
        }
      }
    }
    for _ in 0..<5 { _ = try store.compact() }
    for thread in threads { thread.join() }
    #expect(try store.count() == 400)
  }

  @Test func `several compactions at once follow one another`() throws {
    try store.fillAndDelete(100)
    let rows = try store.rows()
    try start()
    let threads = try (0..<4).map { _ in
      try TestThread { [store] in
        do throws(StorageError) { _ = try store.compact() } catch {
          Issue.record("not compacted: \(error)")
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(try store.rows() == rows)
  }

  @Test func `a full store can be compacted and takes cards again`() throws {
    let other = try TemporaryDirectory()
    let small = try other.newStore(mapSize: 1 << 20)
    try small.startWriter() { Issue.record("writing ended: \($0)") }
    var stored = 0
    while true {
      let job = Job { [stored] in try $0.put(stored, valueBytes: 1000) }
      small.submit(job)
      small.drain()
      guard job.succeeded else {
        #expect(job.storageError == .full)
        break
      }
      stored += 1
    }
    let half = stored / 2
    try small.perform { for number in 0..<half { _ = try $0.delete(number) } }
    _ = try small.compact()
    let again = Job { try $0.put(1_000_000) }
    small.submit(again)
    small.drain()
    #expect(again.succeeded)
    #expect(try small.count() == stored - half + 1)
  }

  @Test func `a store opened for reading is not compacted`() throws {
    let other = try TemporaryDirectory()
    do { _ = try other.newStore() }
    let readOnly = try Store.open(
      at: other.store, mapSize: 8 << 20, options: Store.Options(isReadOnly: true))
    #expect(throws: StorageError.system(call: "compact", errno: EROFS)) { try readOnly.compact() }
  }

  @Test func `a store with a table that is not known is not compacted`() throws {
    _ = try store.generations.value.environment.openDatabase("later", creating: true)
    let file = "\(directory.store)/cards.mdb"
    #expect(throws: StorageError.damaged(file: file)) { try store.compact() }
    try store.write { try $0.put(1) }
  }

  @Test func `a draft that a crash left behind is removed at opening`() throws {
    let other = try TemporaryDirectory()
    do { _ = try other.newStore() }
    try other.replace("cards.mdb.compact", by: [UInt8](repeating: 1, count: 8192))
    _ = try Store.open(
      at: other.store, mapSize: 8 << 20, options: Store.Options(isReadOnly: true))
    #expect(!other.exists("cards.mdb.compact"))
  }
}
