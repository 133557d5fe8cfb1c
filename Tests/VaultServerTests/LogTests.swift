import AccessPolicy
import JSON
import Logging
import ServiceLog
import Synchronization
import TestNetwork
import Testing
import VaultCore

@testable import VaultServer

@Suite("The log")
struct LogTests {
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: [UInt8]) {
      lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
    }
    var all: [String] { lines.withLock { $0 } }
  }

  private func makeLogger(_ lines: Lines) -> Logger {
    Logger(label: "test") { _ in JSONLogHandler { lines.append($1) } }
  }

  @Test func `an event is one line of JSON`() throws {
    let lines = Lines()
    makeLogger(lines).notice("served", metadata: ["status": "201", "actor": "a"])
    let line = try #require(lines.all.first)
    #expect(lines.all.count == 1)
    #expect(line.hasSuffix("\"}\n"))
    #expect(
      line.contains(#""level":"notice","message":"served","actor":"a","status":"201""#))
    let tape = try line.withSpan { try JSONTape.parse($0) }
    #expect(tape.root.kind == .object)
  }

  @Test func `nothing that a client chose begins a line or moves a cursor`() throws {
    let lines = Lines()
    makeLogger(lines).info("a\r\nb", metadata: ["x": "\u{1b}[2J\u{9b}\u{7f}caf\u{e9}\"\\"])
    let line = try #require(lines.all.first)
    #expect(line.contains(#""message":"a??b","x":"?[2J??caf?\"\\""#))
    #expect(line.utf8.dropLast().allSatisfy { (0x20...0x7E).contains($0) })
  }

  @Test func `a value is cut`() throws {
    let lines = Lines()
    makeLogger(lines).info("m", metadata: ["x": "\(String(repeating: "y", count: 10_000))"])
    #expect(try #require(lines.all.first).utf8.count < 400)
  }

  @Test func `what is worth nothing without its end is whole, and bounded`() throws {
    let lines = Lines()
    let text = String(repeating: "y", count: 4_000)
    makeLogger(lines).info("m", metadata: ["x": .stringConvertible(WholeValue(text + "\n"))])
    #expect(try #require(lines.all.first).contains("\"x\":\"\(text)?\""))
    let long = String(repeating: "y", count: 100_000)
    makeLogger(lines).info("m", metadata: ["x": .stringConvertible(WholeValue(long))])
    #expect(try #require(lines.all.last).utf8.count < WholeValue.longest + 150)
  }

  @Test func `lines beyond those of a second are counted and left out`() {
    let lines = Lines()
    let counters = ServerCounters()
    let log = ServerLog(makeLogger(lines), counters: counters)
    for _ in 0..<ServerLog.ordinaryLinesPerSecond + 7 { log.write(.info, "m", at: 1, [:]) }
    #expect(lines.all.count == ServerLog.ordinaryLinesPerSecond)
    #expect(counters.count(.logLinesDropped) == 7)
    // Whatever clients bring about, what the service itself met is told.
    for _ in 0..<ServerLog.linesPerSecond { log.write(.warning, "w", at: 1, [:]) }
    #expect(lines.all.count == ServerLog.linesPerSecond)
    log.writeSeldom(.info, "s", of: "a", at: 1, [:])
    #expect(lines.all.count == ServerLog.linesPerSecond + 1)
    log.write(.info, "m", at: 2, [:])
    log.write(.info, "m", at: 1, [:])
    #expect(lines.all.count == ServerLog.linesPerSecond + 3)
  }

  @Test func `failures of one merchant leave room for those of another`() {
    let lines = Lines()
    let counters = ServerCounters()
    let log = ServerLog(makeLogger(lines), counters: counters)
    let one = ConnectionOwner.Principal(.merchant(makeMerchant("one", 1, shopURI, shopAuthority)))
    let other = ConnectionOwner.Principal(
      .merchant(makeMerchant("other", 2, shopURI, shopAuthority)))
    let share = ServerLog.failureLinesPerSecond
    for _ in 0..<10 * share { log.write(.warning, "one", of: one, at: 1, [:]) }
    #expect(lines.all.count == share)
    #expect(counters.count(.logLinesDropped) == UInt64(9 * share))
    for _ in 0..<share { log.write(.warning, "other", of: other, at: 1, [:]) }
    #expect(lines.all.count == 2 * share)
    log.write(.warning, "one", of: one, at: 2, [:])
    #expect(lines.all.count == 2 * share + 1)
  }

  @Test func `what a client can have refused at will is an ordinary line`() async throws {
    try await withServer { server in
      server.service.isSealed = true
      let client = try await server.connect()
      #expect(try await client.exchange(tokenizeRequest()).status == 503)
      let line = try #require(server.log.all.last { $0.contains(#""status":"503""#) })
      #expect(line.contains(#""level":"info""#))
    }
  }

  @Test func `a failure of the vault has its cause in its line, and the client is not told`()
    async throws
  {
    try await withServer { server in
      var problem = Problem(.internalError)
      problem.cause = .damagedRecord
      server.service.failure = problem
      let client = try await server.connect()
      let answer = try await client.exchange(
        "DELETE /v1/tokens/\(testToken) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(answer.status == 500)
      #expect(!answer.body.contains("damaged"))
      let line = try #require(server.log.all.last { $0.contains(#""status":"500""#) })
      #expect(line.contains(#""level":"warning""#) && line.contains(#""cause":"damaged-record""#))
    }
  }

  @Test func `successes are for the level debug`() {
    let lines = Lines()
    let log = ServerLog(makeLogger(lines), counters: ServerCounters())
    #expect(!log.logsSuccesses)
    log.write(.debug, "m", at: 1, [:])
    #expect(lines.all == [])
  }

  @Test func `a request identifier is 15 characters and never the same`() throws {
    let identifiers = try RequestIdentifiers()
    let made = (0..<1_000_000).map { _ in identifiers.next() }
    #expect(Set(made).count == made.count)
    let allowed = Set("0123456789abcdefghjkmnpqrstvwxyz")
    #expect(made.prefix(10_000).allSatisfy { $0.count == 15 && $0.allSatisfy(allowed.contains) })
  }

  @Test func `a request identifier says nothing about the one before`() throws {
    let identifiers = try RequestIdentifiers()
    let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    let made = (0..<2_000).map { _ in identifiers.next().utf8.map { digits.firstIndex(of: $0) ?? 0 }
    }
    for place in 0..<15 {
      // By chance 62 or 63 of 2,000 neighbours are alike, or apart by any one figure.
      let steps = zip(made, made.dropFirst()).map { ($1[place] - $0[place] + 32) % 32 }
      for step in 0..<32 {
        #expect(steps.count { $0 == step } < 160, "place \(place) moves by \(step)")
      }
      #expect(Set(made.map { $0[place] }).count == 32, "place \(place) does not have every value")
    }
  }
}
