import AuditLog
import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import Storage
import TestSupport
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

  /// Version, state, key of the digest.
  @Test(arguments: [0, 1, 5])
  func `a key stays for a row that does not say whose it is`(_ byte: Int) async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    try house.changeRow(house.onlyRow()) { _, row in row[byte] ^= 1 }
    let first = try rotate()
    for _ in 0..<5 { try house.second() }
    #expect(try await house.push(token).value.status == 500)
    #expect(house.transport.sent.count == 1)
    #expect(try older() == [first])
    #expect(try house.vault.needs(of: first).answers == 1)
    #expect(throws: VaultError.self) {
      _ = try house.vault.destroy(first, because: .none, actor: "user:ann", persons: 1)
    }
    house.time.pass(seconds: 86_401)
    for _ in 0..<3 { try tick() }
    #expect(try older().isEmpty)
    #expect(try house.vault.needs(of: first).isEmpty)
  }

  @Test func `a data key stays for a row that names no key`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.push(token).value
    try house.changeRow(house.onlyRow()) { _, row in row[83] ^= 1 }
    let old = try house.vault.rotate(.data, actor: "user:ann").old
    #expect(try house.vault.needs(of: old).answers == 1)
  }

  /// Pays with a key whose row stands in the first half of the table.
  private func payBelow() async throws -> (token: Token, key: String, answer: Answer) {
    let token = try await house.token(of: Number.visa)
    for number in 0... {
      let key = "key-\(number)"
      let answer = try await house.push(token, key: key).value
      let row = try house.onlyRow()
      if row[0] < 0x7f { return (token, key, answer) }
      try house.store.perform { transaction in
        try transaction.delete(row.rawSpan, in: .idempotency)
      }
    }
    throw Missing(what: "a row")
  }

  /// Puts rows of the active key into the middle of the table, more than one look goes through.
  private func fillMiddle() throws {
    let row = IdempotencyRow(
      digestKey: try house.vault.keyring.activeFingerprintKey.identifier,
      requestDigest: Digest256.sha256([UInt8]().rawSpan), expiresMilliseconds: .max, payment: nil,
      token: nil
    ).encodeRunning()
    try house.store.perform { transaction in
      for number in UInt64(0)..<5_000 {
        let key = [0x7f] + [UInt8](repeating: 0, count: 23) + number.bigEndianBytes
        try transaction.put(key: key.rawSpan, value: row.rawSpan, in: .idempotency)
      }
    }
  }

  private func emptyMiddle() throws {
    let keys = try house.keys(of: .idempotency).filter { $0.first == 0x7f }
    try house.store.perform { transaction in
      for key in keys { try transaction.delete(key.rawSpan, in: .idempotency) }
    }
  }

  @Test func `a row that is put back behind a pass is met by it`() async throws {
    let (token, key, answer) = try await payBelow()
    var strayed: [UInt8] = []
    try house.changeRow(house.onlyRow()) { key, _ in
      key[0] ^= 0x80
      strayed = key
    }
    let first = try rotate()
    try fillMiddle()
    // The pass that began before the key was replaced ends, and the next one is in the middle.
    try tick()
    while try house.isPassUnderWay { try tick() }
    try tick()
    #expect(try house.isPassUnderWay)
    #expect(try older() == [first])
    #expect(try house.mendRow(strayed) == 1)
    while try house.isPassUnderWay { try tick() }
    #expect(try older() == [first])
    try emptyMiddle()
    #expect(try await house.push(token, key: key).value == answer)
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
