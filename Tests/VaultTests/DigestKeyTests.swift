import Keyring
import RecordFormat
import Storage
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Rows are found under the key of their digest for as long as they are there.
@Suite(.timeLimit(.minutes(30))) struct DigestKeyTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// Rotates the fingerprint key, to the end of it.
  private func rotate() throws -> KeyIdentifier {
    let rotation = try house.vault.rotate(.fingerprint, actor: "user:ann")
    while try house.vault.keyWork.isRunning { try house.settle() }
    return rotation.old
  }

  private func tick() throws {
    try house.vault.tick()
    try house.settle()
  }

  /// The keys under which a row is looked for beside the active one.
  private func older() throws -> [KeyIdentifier] {
    try house.vault.vault.opened().session.idempotency.digestKeys.older
  }

  @Test func `a payment that still runs is found however long ago its key was replaced`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let first = try house.push(token)
    await house.transport.waitForArrival()
    house.transport.holdNoMore()
    _ = try rotate()
    for _ in 0..<3 {
      house.time.pass(seconds: 90_000)
      try tick()
    }
    #expect(try await house.push(token).value.problem == "request-in-progress")
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await first.value
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a payment that a long stop left unknown is found under its replaced key`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    _ = try house.push(token)
    await house.transport.waitForArrival()
    _ = try rotate()
    try house.crash()
    house.time.pass(seconds: 200_000)
    try house.open()
    try tick()
    #expect(try await house.push(token).value.problem == "outcome-unknown")
    #expect(house.transport.sent.count == 1)
  }

  @Test func `a key is looked under until its last row has gone, and then no more`() async throws {
    let kept = try await house.tokenize(Number.visa, key: "k").value
    let first = try rotate()
    let second = try rotate()
    #expect(try older() == [second, first])
    // The one pass ends what it saw before the second key was replaced, the next one sees to that.
    for _ in 0..<3 { try tick() }
    #expect(try older() == [first])
    #expect(try await house.tokenize(Number.visa, key: "k").value == kept)
    #expect(throws: VaultError.self) {
      _ = try house.vault.destroy(first, because: .none, actor: "user:ann", persons: 1)
    }
    #expect(try house.vault.needs(of: first).answers == 1)
    house.time.pass(seconds: 86_401)
    for _ in 0..<3 { try tick() }
    #expect(try older().isEmpty)
    #expect(try house.vault.needs(of: first).isEmpty)
    try house.reopen()
    #expect(try older() == [second, first])
    for _ in 0..<2 { try tick() }
    #expect(try older().isEmpty)
  }

  @Test func `a jump of the clock leaves the row of a replaced key where it is found`() async throws
  {
    let token = try await house.token(of: Number.visa)
    let first = try await house.push(token).value
    _ = try rotate()
    house.time.jump(seconds: 90_000)
    try tick()
    #expect(try await house.push(token).value == first)
    #expect(house.transport.sent.count == 1)
  }
}
