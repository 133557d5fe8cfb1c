import AccessPolicy
import AuditLog
import Ledgers
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// A jump of the clock is not time that has passed: what waits goes on waiting, and it is told.
@Suite(.timeLimit(.minutes(30))) struct ClockJumpTests {
  private let house: TestVault
  private static let hours25: Int64 = 90_000

  init() throws { house = try TestVault() }

  private func notes() throws -> [String] {
    try house.entries().filter { $0.contains("\"operation\":\"clock\"") }
  }

  @Test func `a payment is sent once though the clock is a day ahead for three seconds`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    house.time.jump(seconds: Self.hours25)
    #expect(try await house.push(token).value == first)
    for _ in 0..<3 { try house.second() }
    #expect(try await house.push(token).value == first)
    house.time.jump(seconds: -Self.hours25)
    for _ in 0..<3 { try house.second() }
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 1)
  }

  @Test func `the jump is an entry and an alarm`() async throws {
    var options = TestVault.Options()
    options.alarms = AlarmWatch(rules: AlarmRule.standard)
    let house = try TestVault(options)
    house.time.jump(seconds: Self.hours25)
    try house.vault.tick()
    try house.settle()
    #expect(
      try house.entries() == [
        """
        {"actor":"system","operation":"clock","outcome":"jumped","reason":"+90000s"}
        """,
        """
        {"actor":"system","operation":"alarm","outcome":"raised",\
        "reason":"rule=clock-jumped count=1 client=system"}
        """,
      ])
    try house.vault.tick()
    house.time.pass(seconds: 60)
    try house.vault.tick()
    try house.settle()
    #expect(try house.entries().count == 2)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a sealed vault notes the jump too, and one that goes as it should notes none`() throws
  {
    try house.vault.seal(actor: "user:ann")
    house.time.pass(seconds: 400_000)
    try house.second()
    #expect(try notes().isEmpty)
    house.time.jump(seconds: 60)
    try house.second()
    #expect(try notes().count == 1)
    #expect(try notes().first?.contains("\"+60s\"") == true)
  }

  @Test func `a payment made while the clock was behind is not sent again when it is set right`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.time.jump(seconds: -108_000)
    let first = try await house.push(token).value
    for _ in 0..<2 { try house.second() }
    house.time.jump(seconds: 108_000)
    #expect(try await house.push(token).value == first)
    for _ in 0..<3 { try house.second() }
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a start with the clock ahead ends nothing, nor does a start after a jump`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    try house.close()
    house.time.jump(seconds: Self.hours25)
    try house.open()
    try house.second()
    #expect(try await house.push(token).value == first)
    try house.close()
    house.time.jump(seconds: -Self.hours25)
    try house.open()
    try house.second()
    house.time.jump(seconds: Self.hours25)
    try house.second()
    // The log's last time is now a day ahead too; what has waited stands in the store.
    try house.reopen()
    try house.second()
    #expect(try await house.push(token).value == first)
    try house.crash()
    try house.open()
    try house.second()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `after a day of uptime rows go, wherever the clock was`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token, key: "before").value
    house.time.jump(seconds: 315_360_000)
    _ = try await house.push(token, key: "ahead").value
    house.time.jump(seconds: -315_360_000)
    _ = try await house.push(token, key: "after").value
    try house.reopen()
    for _ in 0..<24 {
      house.time.pass(seconds: 3_590)
      try house.second()
    }
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 3)
    house.time.pass(seconds: 600)
    try house.second()
    #expect(try house.store.read { try $0.count(of: .idempotency) } == 0)
    #expect(try house.store.read { try $0.count(of: .idempotencyExpiry) } == 0)
    #expect(try await house.push(token, amount: 1, key: "ahead").value.status == 200)
  }
}
