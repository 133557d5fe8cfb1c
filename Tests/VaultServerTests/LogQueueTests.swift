import Glibc
import Logging
import ServiceLog
import Testing

@Suite struct LogQueueTests {
  /// The ends of a pipe that holds a page.
  private struct Pipe: ~Copyable {
    /// `F_SETPIPE_SZ`, which the headers give only to those who ask for the extensions of GNU.
    private static let setSize: Int32 = 1_031

    let reading: Int32
    private(set) var writing: Int32

    init() throws {
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
      _ = fcntl(writing, Self.setSize, 4_096)
    }

    /// All that was written, once nobody writes any more.
    mutating func closeAndRead() -> [Substring] {
      close(writing)
      writing = -1
      return read()
    }

    private func read() -> [Substring] {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while case let count = unsafe Glibc.read(reading, &buffer, buffer.count), count > 0 {
        bytes += buffer[..<count]
      }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    deinit {
      close(reading)
      if writing >= 0 { close(writing) }
    }
  }

  private func line(_ text: String) -> [UInt8] { JSONLogHandler.line(.info, "\(text)", [:]) }

  /// That it ends is what it says: nothing here waits for the one who does not read.
  @Test func `who does not read holds nobody up, and is told later what was left out`() throws {
    var pipe = try Pipe()
    let queue = try LogQueue(to: pipe.writing)
    let flood = 2 * LogBacklog.mostLines
    for number in 0..<flood { queue.add(.info, line("flood \(number)")) }
    #expect(queue.linesLost > 0)
    queue.add(.warning, line("alarm"))
    queue.add(.critical, line("the cause"))
    queue.finish(within: .milliseconds(1))
    queue.add(.critical, line("after the end"))
    let lost = queue.linesLost
    let lines = try drain(pipe.reading, until: ["log lines were left out", "the cause"])
    #expect(lines.filter { $0.contains("flood") }.count == flood - Int(lost) + 1)
    #expect(lines.contains { $0.contains("\"alarm\"") })
    #expect(lines.contains { $0.contains("\"the cause\"") })
    #expect(!lines.contains { $0.contains("after the end") })
    #expect(lines.contains { $0.contains("left out") && $0.contains("\"lines\":\"\(lost)\"") })
    let rest = pipe.closeAndRead()
    #expect(rest == [])
  }

  /// Reads lines until each of `texts` is in one of them.
  private func drain(_ descriptor: Int32, until texts: [String]) throws -> [Substring] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      try #require(count > 0, "the log has ended")
      bytes += buffer[..<count]
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      let isThere = texts.allSatisfy { text in lines.contains { $0.contains(text) } }
      if bytes.last == UInt8(ascii: "\n"), isThere { return lines }
    }
  }

  @Test func `the last lines are written before the end`() throws {
    var pipe = try Pipe()
    let queue = try LogQueue(to: pipe.writing)
    for number in 0..<20 { queue.add(.info, line("line \(number)")) }
    queue.finish(within: .seconds(60))
    let lines = pipe.closeAndRead()
    #expect(lines.count == 20 && lines.last?.contains("line 19") == true)
    #expect(queue.linesLost == 0)
  }

  @Test func `what cannot be written is counted`() throws {
    let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    defer { close(full) }
    let queue = try LogQueue(to: full)
    for number in 0..<5 { queue.add(.info, line("line \(number)")) }
    queue.finish(within: .seconds(60))
    #expect(queue.linesLost == 5)
  }

  /// Whether there was room for a line.
  private final class Room {
    var backlog = LogBacklog()
    func add(_ level: Logger.Level, _ bytes: Int) -> Bool { backlog.add(level, bytes: bytes) }

    /// Adds lines until there is no room; how many.
    func fill(_ level: Logger.Level) -> Int {
      var count = 0
      while add(level, 10) { count += 1 }
      return count
    }
  }

  @Test func `a flood leaves room for what matters more`() {
    let room = Room()
    let quarter = LogBacklog.mostLines / 4
    #expect(room.fill(.info) == 2 * quarter)
    #expect(room.fill(.debug) == 0)
    #expect(room.fill(.error) == quarter)
    #expect(room.fill(.warning) == 0 && room.fill(.notice) == 0)
    #expect(room.fill(.critical) == quarter)
    room.backlog.remove(bytes: 10)
    #expect(!room.add(.info, 10) && room.add(.critical, 10))
    #expect(room.backlog.lines == LogBacklog.mostLines)
  }

  @Test func `the bytes that wait are bounded too`() {
    let room = Room()
    let half = LogBacklog.mostBytes / 2
    #expect(!room.add(.info, half + 1))
    #expect(room.add(.info, half))
    #expect(!room.add(.info, 1))
    #expect(room.add(.critical, half))
    #expect(!room.add(.critical, 1))
  }
}
