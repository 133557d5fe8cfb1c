import AuditLog
import Bytes
import Ledgers
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// Starts after the clock jumped, and with a clock that is ahead: none ends what has not waited.
@Suite(.timeLimit(.minutes(30))) struct ClockStartTests {
  private let house: TestVault
  private static let hours25: Int64 = 90_000

  init() throws { house = try TestVault() }

  /// Lets hours of uptime pass, with a tick in each.
  private func uptime(hours: Int) throws {
    for _ in 0..<hours {
      house.time.pass(seconds: 3_599)
      try house.second()
    }
  }

  private func rows() throws -> UInt64 {
    UInt64(try house.store.read { try $0.count(of: .idempotency) })
  }

  /// Whether the store says that there is time which has not been served.
  private func hasClockRow() throws -> Bool {
    let key = Array("clock".utf8)
    return try house.store.read { try $0.contains(key.rawSpan, in: .meta) }
  }

  /// What the service writes at a start or stop.
  private func writeEntry() throws {
    try house.vault.record(AuditEntry(actor: "system", operation: .serve, outcome: .started))
  }

  /// More entries than a start looks at.
  private func writeManyEntries() async throws {
    for _ in 0..<150 {
      let replies = try (0..<30).map { _ in try house.tokenize(Number.visa) }
      for reply in replies { #expect(await reply.value.status == 200) }
    }
  }

  @Test func `a jump is not forgotten by a start, however many entries followed`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    #expect(try !hasClockRow())
    house.time.jump(seconds: Self.hours25)
    try house.second()
    #expect(try hasClockRow())
    try await writeManyEntries()
    try house.crash()
    try house.open()
    try house.second()
    #expect(try await house.push(token).value == first)
    try house.reopen()
    try house.second()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `any number of starts with the clock ahead end nothing`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    try house.close()
    house.time.jump(seconds: Self.hours25)
    for start in 0..<4 {
      try house.open()
      try house.second()
      try writeEntry()
      #expect(try await house.push(token).value == first)
      // Killed, and stopped in good order.
      try start < 2 ? house.crash() : house.close()
    }
    house.time.jump(seconds: Self.hours25)
    try house.open()
    try house.second()
    try house.reopen()
    try house.second()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
    try uptime(hours: 24)
    #expect(try rows() == 0)
    #expect(try !hasClockRow())
  }

  @Test func `a jump just before the end of a process is not forgotten`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token, key: "first").value
    house.time.jump(seconds: Self.hours25)
    try house.second()
    let between = try await house.push(token, key: "between").value
    // Within the minute after the first one.
    house.time.jump(seconds: Self.hours25)
    let third = try await house.push(token, key: "third").value
    try house.crash()
    try house.open()
    try uptime(hours: 23)
    #expect(try await house.push(token, key: "first").value == first)
    #expect(try await house.push(token, key: "between").value == between)
    #expect(try await house.push(token, key: "third").value == third)
    #expect(house.transport.sent.count == 3)
    try uptime(hours: 2)
    #expect(try rows() == 0)
  }

  @Test func `uptime counts over several starts, and time between them does not`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token, key: "first").value
    house.time.jump(seconds: Self.hours25)
    let ahead = try await house.push(token, key: "ahead").value
    try uptime(hours: 8)
    try writeEntry()
    try house.crash()
    house.time.pass(seconds: 7_200)
    try house.open()
    try uptime(hours: 8)
    try writeEntry()
    try house.close()
    house.time.pass(seconds: 7_200)
    try house.open()
    try uptime(hours: 7)
    #expect(try await house.push(token, key: "first").value == first)
    #expect(try await house.push(token, key: "ahead").value == ahead)
    try uptime(hours: 2)
    #expect(try rows() == 0)
    // What the stops have added is served in its turn.
    #expect(try hasClockRow())
    try uptime(hours: 24)
    #expect(try !hasClockRow())
  }

  @Test func `a row of the clock that cannot be read ends nothing for a day`() async throws {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    house.time.jump(seconds: Self.hours25)
    try house.second()
    try house.store.perform { transaction in
      let key = Array("clock".utf8)
      try transaction.put(key: key.rawSpan, value: [UInt8]([9, 9]).rawSpan, in: .meta)
    }
    try house.crash()
    try house.open()
    try uptime(hours: 23)
    #expect(try await house.push(token).value == first)
    try uptime(hours: 2)
    #expect(try rows() == 0)
    #expect(try !hasClockRow())
  }

  @Test func `a command's entry while the clock is ahead and no service runs ends nothing`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    try house.close()
    house.time.jump(seconds: Self.hours25)
    try compactOffline()
    try house.open()
    try house.second()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }

  private func compactOffline() throws {
    let store = try Store.open(at: house.directory.store, mapSize: house.options.mapSize)
    _ = try StoreUpkeep.offline(store, clock: house.time.clock).compact(actor: "user:ann")
  }
}
