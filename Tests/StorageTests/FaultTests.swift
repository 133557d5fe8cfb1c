import Storage
import TestSupport
import Testing

/// A disk that fails under a writer for whose journal it had no room: each batch is a commit of LMDB.
@Suite struct FaultTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The owner is told what LMDB said.
  private static let cause = "onEnd engine(LMDB commit: ioError)"

  private func run(_ steps: String...) throws -> [String] {
    let result = try FaultyProcess(directory).run(steps, before: ["journal-full"])
    #expect(result.status == 0)
    return result.lines
  }

  @Test func `a failed sync ends writing for good`() throws {
    let lines = try run(
      "ordinary:10", "fault:sync", "ordinary:10", "clear:sync", "ordinary:10", "reserved:10",
      "stop", "ordinary:1")
    // The jobs that come after the failure are in the queue, or refused at once.
    #expect(
      Set(lines) == [
        "stored 10", "writingEnded 10", Self.cause, "writingEnded 1",
      ])
    #expect(lines.count { $0 == Self.cause } == 1)
    #expect(lines.count { $0 == "writingEnded 10" } == 3)
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    // What was acknowledged is there; nothing that came after the failure is.
    #expect(try store.count() == 10)
  }

  @Test func `a header page that cannot be written ends writing for good`() throws {
    let lines = try run(
      "reserved:10", "fault:header", "reserved:10", "clear:header", "reserved:10", "stop")
    #expect(Set(lines) == ["stored 10", "writingEnded 10", Self.cause])
    #expect(lines.count { $0 == "writingEnded 10" } == 2)
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    #expect(try store.count() == 10)
  }

  @Test func `blocks that are written, since none can be allocated, and fail end writing for good`()
    throws
  {
    let lines = try run(
      "fault:no-allocation", "fault:room", "ordinary:10", "clear:room", "ordinary:10", "stop")
    #expect(Set(lines) == ["writingEnded 10", "onEnd engine(LMDB allocate: ioError)"])
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    #expect(try store.count() == 0)
  }

  @Test func `a full disk refuses and is forgotten when there is room again`() throws {
    let lines = try run(
      "ordinary:10", "fault:pages", "ordinary:10", "reserved:10", "clear:pages", "ordinary:10",
      "stop")
    #expect(lines == ["stored 10", "full 10", "full 10", "stored 10"])
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    #expect(try store.count() == 20)
  }

  @Test func `without blocks to allocate only reserved jobs are admitted`() throws {
    let lines = try run(
      "fault:allocation", "ordinary:10", "reserved:10", "clear:allocation", "ordinary:10", "stop")
    #expect(lines == ["full 10", "stored 10", "stored 10"])
  }
}
