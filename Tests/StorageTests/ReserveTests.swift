import Bytes
import Storage
import SystemCalls
import TestSupport
import Testing

/// What a full store keeps for deletions, outcomes and administration.
@Suite(.timeLimit(.minutes(5))) struct ReserveTests {
  private let directory: TemporaryDirectory
  private let store: Store
  /// Large rows in the cards' table, each of which is deleted by a commit of its own.
  private let keys: [[UInt8]]

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore(mapSize: 8 << 20)
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    var number = 0
    while true {
      let jobs = (number..<number + 50).map { number in
        Job { try $0.append(number, valueBytes: 1000) }
      }
      for job in jobs { store.submit(job) }
      store.drain()
      number += jobs.count { $0.succeeded }
      if jobs.contains(where: { !$0.succeeded }) { break }
      try #require(number < 10_000)
    }
    keys = (0..<number).map { keyBytes($0) }
  }

  /// Somebody who sees the store as it is now, until told to end.
  private final class LongReader: Sendable {
    private let ending = Gate()
    private let thread: TestThread

    init(_ store: Store) throws {
      let begun = Gate()
      thread = try TestThread { [ending] in
        store.read { _ in
          begun.open()
          ending.wait()
        }
      }
      begun.wait()
    }

    /// Lets it end, at once or while others go on.
    func end() { ending.open() }
    func join() { thread.join() }
  }

  /// A row that takes some room and gives none, as an entry of the log does.
  private func job(_ admission: Admission, _ number: Int) -> Job {
    Job(admission) { try $0.put(number, valueBytes: 300, in: .audit) }
  }

  /// Whether one job, alone in its batch, is done.
  private func isDone(_ job: Job) -> Bool {
    store.submit(job)
    store.drain()
    return job.succeeded
  }

  private func count(_ admission: Admission, from first: Int, most: Int = 100_000) -> Int {
    var count = 0
    while count < most, isDone(job(admission, first + count)) { count += 1 }
    return count
  }

  @Test func `while somebody reads, ordinary jobs take nothing of the reserve`() throws {
    let reader = try LongReader(store)
    // Each deletion frees pages that the reader still sees, so that they are no room.
    for key in keys.prefix(20) {
      #expect(isDone(Job(.reserved) { _ = try $0.delete(key.rawSpan, in: .cards) }))
      #expect(!isDone(job(.ordinary, 0)))
    }
    reader.end()
    reader.join()
    #expect(isDone(job(.ordinary, 0)))
    store.stopWriter()
  }

  @Test(arguments: [Admission.reserved, .shared(by: 1)])
  func `a job that lacks what a reader keeps waits for the reader`(admission: Admission) throws {
    // It sees each page that is replaced from now on.
    let reader = try LongReader(store)
    var hasEnded = false
    // Each rewrites a row of four, so that it is the reader alone who takes room.
    for number in 0..<800 {
      let done = Monitor(false)
      let next = Job(
        admission,
        completion: {
          done.withLock { $0 = true }
          done.broadcast()
        }
      ) { try $0.put(number % 4, valueBytes: 300, in: .audit) }
      store.submit(next)
      // One that is slow for another reason ends the reader early, which proves less, and fails nothing.
      while done.wait(for: .milliseconds(200), { $0 ? true : nil }) == nil {
        if !hasEnded { reader.end() }
        hasEnded = true
      }
      try #require(next.succeeded, "job \(number)")
    }
    #expect(hasEnded)
    reader.join()
    store.stopWriter()
  }

  @Test func `while somebody reads, one client's dear jobs leave others theirs`() throws {
    // Many cheap ones before, in few batches.
    store.commitTogether((0..<500).map { job(.shared(by: 2), $0) })
    let reader = try LongReader(store)
    // From now on each takes some ten pages. The last of each waits for the reader, in vain.
    let first = count(.shared(by: 1), from: 10_000)
    let second = count(.shared(by: 2), from: 20_000)
    let third = count(.shared(by: 3), from: 30_000)
    #expect(first > 10 && second > 0 && third > 0, "\(first) \(second) \(third)")
    #expect(count(.reserved, from: 40_000, most: 3) == 3)
    reader.end()
    reader.join()
    #expect(isDone(job(.shared(by: 1), 50_000)))
    store.stopWriter()
  }

  @Test func `nobody waits with a client that waits for a reader`() throws {
    let reader = try LongReader(store)
    #expect(count(.shared(by: 1), from: 0) > 10)
    let order = Collected<String>()
    func note(_ admission: Admission, _ name: String) -> Job {
      Job(admission, completion: { order.append(name) }) { try $0.put(0, in: .audit) }
    }
    let waiting = note(.shared(by: 1), "waiting")
    store.submit(waiting)
    store.submit(note(.reserved, "outcome"))
    store.drain()
    #expect(order.elements == ["outcome"])
    reader.end()
    reader.join()
    while order.elements.count < 2 { store.drain() }
    #expect(waiting.succeeded)
    // One that waits when the writer is stopped hears of it.
    let last = try LongReader(store)
    _ = count(.shared(by: 1), from: 10_000)
    store.submit(note(.shared(by: 1), "stopped"))
    store.stopWriter()
    #expect(order.elements.last == "stopped")
    last.end()
    last.join()
  }

  @Test func `one client takes its share of the reserve, and each other finds some`() throws {
    let first = count(.shared(by: 1), from: 0)
    let second = count(.shared(by: 2), from: 100_000)
    let third = count(.shared(by: 3), from: 200_000)
    #expect(first > 500)
    #expect(second > first / 8 && third > 20, "\(first) \(second) \(third)")
    #expect(first + second + third < 100_000)
    // What is nobody's share.
    #expect(count(.reserved, from: 300_000, most: 100) == 100)
    // Nobody gets more by asking again.
    #expect(count(.shared(by: 1), from: 400_000) == 0)
    // Room that comes back is everybody's.
    for key in keys {
      try #require(isDone(Job(.reserved) { _ = try $0.delete(key.rawSpan, in: .cards) }))
    }
    #expect(isDone(job(.ordinary, 500_000)))
    #expect(isDone(job(.shared(by: 1), 500_001)))
    store.stopWriter()
  }
}
