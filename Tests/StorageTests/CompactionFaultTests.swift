import Glibc
import Storage
import TestSupport
import Testing

/// A disk that fails, and a process that ends, at each step of a compaction.
@Suite struct CompactionFaultTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// How the program prints that a call on a file has failed.
  private func failure(of call: String, _ file: String) -> String {
    "\(StorageError.system(call: call, path: directory.store + file, errno: 5))"
  }

  private func open() throws -> Store { try Store.open(at: directory.store, mapSize: 8 << 20) }

  @Test(
    arguments: [
      ("draft-full", nil), ("draft-pages", ("write", "/cards.mdb.compact")),
      ("draft-sync", ("write", "/cards.mdb.compact")), ("rename", ("rename", "/cards.mdb")),
    ] as [(String, (String, String)?)])
  func `a failure before the copy has its name leaves all as it was`(
    fault: String, failing: (String, String)?
  ) throws {
    // Nothing but the fault ends here, so that the map is what is left to be named.
    let full = StorageError.noRoom(file: "\(directory.store)/cards.mdb.compact", .mapSize)
    let reason = failing.map { failure(of: $0.0, $0.1) } ?? "\(full)"
    let result = try FaultyProcess(directory).run([
      "ordinary:10", "fault:\(fault)", "compact", "ordinary:10", "clear:\(fault)", "compact",
      "ordinary:10", "stop",
    ])
    #expect(result.status == 0)
    #expect(result.lines == ["stored 10", reason, "stored 10", "compacted", "stored 10"])
    #expect(!directory.exists("cards.mdb.compact"))
    #expect(try open().count() == 30)
  }

  @Test(
    arguments: [
      ("renamed", "rename", "/cards.mdb"), ("lock", "unlink", "/cards.mdb-lock"),
      ("directory", "fsync", ""),
    ])
  func `a failure after the copy has its name ends writing for good`(
    fault: String, call: String, file: String
  ) throws {
    // The owner is told which call failed, and on what.
    let cause = "onEnd \(failure(of: call, file))"
    let result = try FaultyProcess(directory).run([
      "ordinary:10", "fault:\(fault)", "compact", "clear:\(fault)", "ordinary:10", "compact",
      "stop",
    ])
    #expect(result.status == 0)
    #expect(result.lines.first == "stored 10")
    #expect(
      Set(result.lines) == [
        "stored 10", "writingEnded", cause, "writingEnded 10",
      ])
    #expect(result.lines.count { $0 == cause } == 1)
    #expect(result.lines.count { $0 == "writingEnded" } == 2)
    let store = try open()
    #expect(try store.count() == 10)
    try store.write { try $0.put(1) }
  }

  @Test func `without a writer a failure after the copy has its name ends writing too`() throws {
    let result = try FaultyProcess(directory).run([
      "ordinary:10", "stop", "fault:directory", "compact", "clear:directory", "write", "compact",
    ])
    #expect(result.status == 0)
    #expect(result.lines == ["stored 10", "writingEnded", "writingEnded", "writingEnded"])
    #expect(try open().count() == 10)
  }

  @Test(
    arguments: [
      "kill-draft-pages", "kill-draft-sync", "kill-rename", "kill-renamed", "kill-directory",
    ])
  func `a process that ends during a compaction leaves a whole store`(step: String) throws {
    let result = try FaultyProcess(directory).run([
      "ordinary:100", "fault:\(step)", "compact", "ordinary:10",
    ])
    #expect(result.status == -SIGKILL, "not killed: \(result.lines)")
    #expect(result.lines == ["stored 100"])
    let isBefore = !["kill-renamed", "kill-directory"].contains(step)
    #expect(directory.exists("cards.mdb.compact") == isBefore)
    let store = try open()
    #expect(!directory.exists("cards.mdb.compact"))
    #expect(try store.count() == 100)
    #expect(try store.compact().bytesAfter > 0)
    try store.write { try $0.put(1) }
    #expect(try store.count() == 101)
  }
}
