import Storage
import TestSupport
import Testing

/// A disk that fails under the journal, or under LMDB while the journal has what that lacks.
@Suite struct JournalFaultTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func run(_ steps: String...) throws -> [String] {
    let result = try FaultyProcess(directory).run(["late"] + steps)
    #expect(result.status == 0)
    return result.lines
  }

  /// Cards in the store after a restart.
  private func count() throws -> Int {
    try Store.open(at: directory.store, mapSize: 8 << 20).count()
  }

  @Test(arguments: [("journal-sync", "fdatasync"), ("journal-write", "pwrite")])
  func `a journal that fails ends writing for good`(_ fault: String, _ call: String) throws {
    let lines = try run(
      "ordinary:10", "fault:\(fault)", "ordinary:1", "clear:\(fault)", "ordinary:10", "get:1",
      "stop")
    let path = "\(directory.store)/cards.journal"
    let cause = StorageError.system(call: call, path: path, errno: 5)
    #expect(lines.contains("onEnd \(cause)"))
    #expect(
      lines.filter { $0 != "onEnd \(cause)" } == [
        "stored 10", "writingEnded 1", "writingEnded 10", "writingEnded",
      ])
    // What was being written may be there or not; what was acknowledged is.
    #expect(try (10...11).contains(count()))
  }

  @Test(arguments: ["journal-full", "mark-full"])
  func `without room for a frame each batch is a commit of LMDB`(_ fault: String) throws {
    let lines = try run(
      "ordinary:10", "fault:\(fault)", "ordinary:10", "get:15", "clear:\(fault)", "ordinary:10",
      "stop")
    #expect(lines == ["stored 10", "stored 10", "found", "stored 10"])
    #expect(try count() == 30)
  }

  @Test(arguments: ["sync", "header"])
  func `a commit of LMDB that fails ends writing, and the next start has everything`(
    _ fault: String
  ) throws {
    let lines = try run(
      "ordinary:10", "fault:\(fault)", "get:1", "clear:\(fault)", "ordinary:10", "stop")
    #expect(lines.contains("onEnd engine(LMDB commit: ioError)"))
    #expect(
      lines.filter { !$0.hasPrefix("onEnd") } == [
        "stored 10", "writingEnded", "writingEnded 10",
      ])
    #expect(try count() == 10)
  }

  @Test func `where LMDB finds no room, the journal has it until there is some`() throws {
    let lines = try run(
      "ordinary:10", "fault:pages", "get:1", "ordinary:10", "reserved:10", "get:1", "clear:pages",
      "get:1", "ordinary:10", "stop")
    #expect(
      lines == ["stored 10", "full", "full 10", "full 10", "full", "found", "stored 10"])
    #expect(try count() == 20)
  }

  @Test func `without room for zeros nothing is erased, and writing goes on`() throws {
    let lines = try run(
      "late", "ordinary:10", "fault:journal-full", "erase", "ordinary:10", "clear:journal-full",
      "get:15", "ordinary:5", "erase", "stop")
    #expect(lines == ["stored 10", "full", "stored 10", "found", "stored 5", "erased"])
    #expect(try count() == 25)
  }

  @Test func `a stop without room leaves what was acknowledged to the next start`() throws {
    #expect(try run("ordinary:10", "fault:pages", "get:1", "stop") == ["stored 10", "full"])
    #expect(try count() == 10)
  }

  @Test func `what LMDB had no room for is erased by nobody after a stop`() throws {
    let lines = try run(
      "ordinary:10", "fault:pages", "get:1", "stop", "clear:pages", "erase", "compact")
    #expect(lines == ["stored 10", "full", "full", "full"])
    #expect(try count() == 10)
  }

  /// Of all writes and syncs of both files each fails in turn, from the making of the store to its stop.
  @Test(arguments: [5, 28])
  func `whichever write or sync fails, what was acknowledged is there`(_ code: Int) throws {
    let steps = [
      "late", "ordinary:10", "get:1", "reserved:5", "ordinary:5", "get:12", "ordinary:3", "compact",
      "ordinary:2", "stop",
    ]
    let process = FaultyProcess(directory)
    var call = 0
    var reached = 0
    while call < 400 {
      call += 1
      TemporaryDirectory.removeAll(directory.store)
      let result = try process.run(
        steps, more: ["STORAGE_FAULT_AT=\(call)", "STORAGE_FAULT_CODE=\(code)"])
      // The store could not be made, or its writer not be started; or nothing has failed any more.
      guard result.status == 0 else { continue }
      reached += 1
      let told = Told(result.lines)
      let store = try Store.open(at: directory.store, mapSize: 8 << 20)
      let count = try store.count()
      try #require(
        (told.stored...25 - told.refused).contains(count), "call \(call): \(count), \(result.lines)"
      )
      if told.stored == 25, !result.lines.contains(where: { $0.hasPrefix("onEnd") }),
        result.lines.contains("compacted")
      {
        // Two runs without any effect are the end.
        if call > 60 { break }
      }
    }
    #expect(reached > 20, "\(reached) of \(call)")
  }

  /// How many jobs were told which end.
  private struct Told {
    var stored = 0
    /// Told that there is no room: they may not be there.
    var refused = 0

    init(_ lines: [String]) {
      for part in lines.flatMap({ $0.split(separator: ",") }) {
        let words = part.split(separator: " ")
        guard words.count == 2, let count = Int(words[1]) else { continue }
        if words[0] == "stored" { stored += count }
        if words[0] == "full" { refused += count }
      }
    }
  }
}
