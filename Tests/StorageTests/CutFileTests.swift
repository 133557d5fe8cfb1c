import Glibc
import Storage
import TestSupport
import Testing

/// A file that is cut off while it is mapped: whoever touches a page that is gone gets a `SIGBUS`.
@Suite struct CutFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `a page that is gone ends the process with its line`() throws {
    let result = try FaultyProcess(directory).run(
      ["watch", "ordinary:300", "stop", "get:7", "cut:2", "get:7", "get:8"])
    #expect(result.lines == ["stored 300", "found", "lost \(directory.store)/cards.mdb"])
    #expect(result.status == 3)
  }

  @Test func `nobody hears of it who has not asked for it`() throws {
    let result = try FaultyProcess(directory).run(["ordinary:300", "stop", "cut:2", "get:7"])
    #expect(result.lines == ["stored 300"])
    #expect(result.status == -SIGBUS)
  }

  @Test func `a signal that is none of a file's ends the process as before`() throws {
    let result = try FaultyProcess(directory).run(["watch", "ordinary:300", "stop", "bus", "get:7"])
    #expect(result.lines == ["stored 300"])
    #expect(result.status == -SIGBUS)
  }

  @Test func `damage that is the end of the file is told as that`() throws {
    let store = try directory.newStore()
    let end = WriterEnd()
    try end.startWriter(of: store)
    try store.perform { transaction in
      for number in 0..<300 { try transaction.put(number) }
    }
    let path = "\(directory.store)/cards.mdb"
    #expect(store.cause(of: .damaged(file: path, page: 9)) == .damaged(file: path, page: 9))
    try directory.truncate("cards.mdb", to: 2 * 4_096)
    #expect(store.cause(of: .damaged(file: path, page: 9)) == .truncated(file: path))
    #expect(store.cause(of: .full) == .full)
    store.endWriting(because: .damaged(file: path, page: 9))
    #expect(end.wait() == .truncated(file: path))
    store.stopWriter()
  }
}
