import Glibc
import Storage
import Synchronization
import Testing

@Suite struct WriterTests {
  @Test func `what a job puts is there after it completed`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.newStore(mapSize: 8 << 20)
    try store.startWriter(participants: []) { _ in }
    let jobs = (0..<100).map { PutJob(key: $0) }
    for job in jobs { store.submit(job) }
    store.stopWriter()
    #expect(jobs.allSatisfy { $0.succeeded })
    let count = try store.read { (transaction) throws(StorageError) in
      try transaction.count(of: .cards)
    }
    #expect(count == 100)
  }
}
