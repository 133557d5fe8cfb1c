import Bytes
import Cards
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing
import Tokenization

@testable import CardStore
@testable import Ledgers
@testable import VaultCore
@testable import VaultManagement

/// Kept answers that a disk has damaged: what they hold up, what mends itself, and how an operator is rid of
/// the rest.
@Suite(.timeLimit(.minutes(5))) struct DamagedRowTests {
  let house: TestVault
  let reason: KeyReason

  init() throws {
    house = try TestVault()
    reason = try #require(KeyReason(ticket: "CHG-12", text: "no backup has it"))
  }

  // MARK: - Looking, and damaging

  /// Removes the entries of the order of expiry.
  func forgetOrder() throws {
    let entries = try house.keys(of: .idempotencyExpiry)
    try house.store.perform { transaction in
      for entry in entries { try transaction.delete(entry.rawSpan, in: .idempotencyExpiry) }
    }
  }

  func verified() throws -> IdempotencyVerifier.Result {
    try IdempotencyVerifier(house.vault.keyring).verify(house.store)
  }

  func name(_ key: [UInt8]) -> DamagedEntry { .row(RowKey(key.rawSpan)) }

  /// The statuses of ten payments with keys that were not used before.
  func payments(_ token: Token, _ prefix: String = "new") async throws -> Set<UInt16> {
    var statuses: Set<UInt16> = []
    for number in 0..<10 {
      statuses.insert(try await house.push(token, key: "\(prefix)-\(number)").value.status)
    }
    return statuses
  }

  /// A card, a payment with `key-1`, and a row for that alone.
  func paid() async throws -> (token: Token, answer: Answer, row: [UInt8]) {
    let token = try await house.token(of: Number.visa)
    let answer = try await house.push(token).value
    return (token, answer, try house.onlyRow())
  }

  func wait() throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
  }

  // MARK: - What mends itself

  @Test(arguments: [0, 7, 128, 255])
  func `a row whose key has a flipped bit goes back to it when a request comes beside it`(
    _ bit: Int
  ) async throws {
    let (token, answer, row) = try await paid()
    try house.changeRow(row) { key, _ in key[bit / 8] ^= 1 << UInt8(bit % 8) }
    #expect(try verified().damagedCount == 1)
    #expect(try await payments(token) == [200])
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 11)
    #expect(try verified().damagedCount == 0)
    try house.second()
    try house.second()
    #expect(
      try house.entries().filter { $0.contains("store.verify") } == [
        #"{"actor":"system","operation":"store.verify","outcome":"changed","reason":"rows_mended=1"}"#
      ])
    #expect(try house.entries().contains { $0.contains("rule=store-damaged") })
  }

  @Test func `its own request finds it at once`() async throws {
    let (token, answer, row) = try await paid()
    try house.changeRow(row) { key, _ in key[31] ^= 4 }
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
    #expect(
      try await house.push(token, amount: 1).value.problem == "idempotency-key-reused")
  }

  @Test func `two of them beside one another do too`() async throws {
    let (token, answer, row) = try await paid()
    let other = try await house.push(token, key: "key-2").value
    let second = try #require(try house.keys(of: .idempotency).first { $0 != row })
    for key in [row, second] { try house.changeRow(key) { key, _ in key[31] ^= 1 } }
    #expect(try await payments(token) == [200])
    #expect(try await house.push(token).value == answer)
    #expect(try await house.push(token, key: "key-2").value == other)
    #expect(try verified().damagedCount == 0)
  }

  @Test func `the row of a payment that runs does too`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let first = try house.push(token)
    await house.transport.waitForArrival()
    try house.changeRow(house.onlyRow()) { key, _ in key[3] ^= 1 }
    #expect(try await house.push(token).value.problem == "request-in-progress")
    #expect(
      try house.entries().contains {
        $0.contains(#""outcome":"refused","reason":"request-in-progress""#)
      })
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await first.value
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
    #expect(try house.keys(of: .idempotency).count == 1)
  }

  @Test func `that of a payment whose outcome a start has to note too`() async throws {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    _ = try house.push(token)
    await house.transport.waitForArrival()
    try house.changeRow(house.onlyRow()) { key, _ in key[3] ^= 1 }
    try house.crash()
    house.options.isLarge = true
    try house.open()
    #expect(try await house.push(token).value.problem == "outcome-unknown")
    #expect(house.transport.sent.count == 1)
    #expect(try verified().damagedCount == 0)
  }

  @Test func `one is found behind another that has strayed`() async throws {
    let token = try await house.token(of: Number.visa)
    var answers: [Answer] = []
    for number in 0..<4 {
      answers.append(try await house.push(token, key: "k-\(number)").value)
    }
    for key in try house.keys(of: .idempotency) {
      try house.changeRow(key) { key, _ in key[0] ^= 0x80 }
    }
    for number in 0..<4 {
      #expect(try await house.push(token, key: "k-\(number)").value == answers[number])
    }
    #expect(house.transport.sent.count == 4)
    #expect(try await payments(token) == [200])
    for number in 0..<4 {
      #expect(try await house.push(token, key: "k-\(number)").value == answers[number])
    }
    #expect(house.transport.sent.count == 14)
  }

  @Test func `one is found among many that end in its millisecond`() async throws {
    let token = try await house.token(of: Number.visa)
    var answers: [Answer] = []
    for number in 0..<100 {
      answers.append(try await house.push(token, key: "k-\(number)").value)
    }
    let last = try #require(try house.keys(of: .idempotency).last)
    try house.changeRow(last) { key, _ in key[31] ^= 1 }
    for number in 0..<100 {
      #expect(try await house.push(token, key: "k-\(number)").value == answers[number])
    }
    #expect(house.transport.sent.count == 100)
  }

  @Test(arguments: [false, true])
  func `a start puts rows back, and into the order of expiry`(_ isLarge: Bool) async throws {
    let (token, answer, row) = try await paid()
    let other = try await house.push(token, key: "key-2").value
    try forgetOrder()
    let entry = try #require(
      try house.store.read { transaction -> UInt64? in
        guard let row = try transaction.get(row.rawSpan, in: .idempotency) else { return nil }
        return IdempotencyRow.end(of: row)
      })
    try house.store.perform { transaction in
      try transaction.put(
        key: (entry.bigEndianBytes + row).rawSpan, value: [UInt8]().rawSpan,
        in: .idempotencyExpiry)
    }
    try house.changeRow(row) { key, _ in key[0] ^= 0x80 }
    #expect(try verified().damagedCount == 2)
    house.options.isLarge = isLarge
    try house.reopen()
    while try verified().damagedCount > 0 { try house.settle() }
    while try house.vault.storeCheck.damaged > 0 || house.vault.storeCheck.isRunning {
      try house.settle()
    }
    #expect(try await house.push(token).value == answer)
    #expect(try await house.push(token, key: "key-2").value == other)
    house.time.pass(seconds: 86_401)
    try house.second()
    try house.settle()
    #expect(try house.keys(of: .idempotency).isEmpty)
    #expect(try house.keys(of: .idempotencyExpiry).isEmpty)
  }
}
