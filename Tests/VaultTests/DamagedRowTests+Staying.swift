import AuditLog
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

/// What does not mend itself.
extension DamagedRowTests {
  /// Version, state, key of the digest, digest, payment, token, status, data key, nonce, answer.
  @Test(arguments: [0, 1, 4, 20, 50, 70, 79, 82, 90, 115])
  func `a damaged value under its own key stands in nobody's way but its own`(
    _ byte: Int
  ) async throws {
    let (token, _, row) = try await paid()
    try house.changeRow(row) { _, row in row[byte] ^= 1 }
    #expect(try await payments(token) == [200])
    #expect(try await house.push(token).value.status == 500)
    #expect(house.transport.sent.count == 11)
    #expect(try verified().damaged == [RowKey(row.rawSpan)])
  }

  @Test(arguments: [0, 8, 22, 24, 26, 37, 44, 63])
  func `so does one whose end has a flipped bit, until the end that it had`(
    _ bit: Int
  ) async throws {
    let (token, _, row) = try await paid()
    try house.changeRow(row) { _, row in row[45 - bit / 8] ^= 1 << UInt8(bit % 8) }
    #expect(try await payments(token) == [200])
    #expect(try await house.push(token).value.status == 500)
    #expect(house.transport.sent.count == 11)
    #expect(try verified().damaged == [RowKey(row.rawSpan)])
    house.time.pass(seconds: 86_401)
    try house.second()
    #expect(try house.keys(of: .idempotency).isEmpty)
    #expect(try house.keys(of: .idempotencyExpiry).isEmpty)
  }

  @Test(arguments: [0, 115])
  func `it stays until its own end, whatever else the order of expiry says`(
    _ byte: Int
  ) async throws {
    let (token, _, row) = try await paid()
    try house.changeRow(row) { _, row in row[byte] ^= 1 }
    let stale = UInt64(house.time.milliseconds).bigEndianBytes + row
    try house.store.perform { transaction in
      try transaction.put(
        key: stale.rawSpan, value: [UInt8]().rawSpan, in: .idempotencyExpiry)
    }
    try house.second()
    try house.second()
    #expect(try house.keys(of: .idempotencyExpiry).count == 1)
    #expect(try await house.push(token).value.status == 500)
    #expect(house.transport.sent.count == 1)
  }

  /// Version, status, data key, answer, and what stands beside one of which nothing is known.
  @Test(arguments: [0, 79, 82, 115, nil])
  func `what comes for it is refused with an entry, and fails nothing beside it`(
    _ byte: Int?
  ) async throws {
    let (token, _, row) = try await paid()
    if let byte {
      try house.changeRow(row) { _, row in row[byte] ^= 1 }
    } else {
      _ = try lose(row, 1)
    }
    #expect(try await house.push(token).value.cause == .damagedRow)
    #expect(
      try house.entries().last?.contains(
        #""operation":"detokenize","merchant":"shop","token":"\#(token.text)","#
          + #""acquirer":"credit-du-nord","outcome":"refused","reason":"internal-error""#) == true)
    guard byte == nil else { return }
    #expect(try await house.tokenize(Number.other, key: "t").value.cause == .damagedRow)
    #expect(
      try house.entries().last?.contains(
        #""operation":"tokenize","merchant":"shop","outcome":"refused","reason":"internal-error""#)
        == true)
  }

  /// How it is damaged so that not even its key is known.
  private func lose(_ row: [UInt8], _ kind: Int) throws -> [UInt8] {
    switch kind {
    case 0: try house.changeRow(row) { _, row in row[44] ^= 3 }
    case 1: try house.changeRow(row) { _, row in row = [1] }
    // Its end seems to be long over.
    case 2: try house.changeRow(row) { _, row in row[40] ^= 3 }
    case 3:
      try house.changeRow(row) { key, row in
        key[31] ^= 1
        row[115] ^= 1
      }
    default:
      try house.changeRow(row) { key, _ in key.removeLast() }
      try forgetOrder()
    }
    return try house.onlyRow()
  }

  @Test(arguments: 0..<5)
  func `where its key is not known all beside it are refused, until it is removed`(
    _ kind: Int
  ) async throws {
    let (token, _, row) = try await paid()
    let damaged = try lose(row, kind)
    for _ in 0..<2 {
      #expect(try await payments(token) == [500])
      #expect(try await house.push(token).value.cause == .damagedRow)
      #expect(house.transport.sent.count == 1)
      try house.reopen()
    }
    #expect(try house.vault.obstacles(toRemoving: [name(damaged)]) == [nil])
    let removed = try house.vault.removeDamaged(
      [name(damaged)], because: reason, actor: "user:ops")
    #expect(removed == [RemovedEntry(entry: name(damaged), countedUnder: nil)])
    #expect(
      try house.entries().contains(
        #"{"actor":"user:ops","operation":"store.remove-damaged","token":"\#(name(damaged).text)","#
          + #""outcome":"done","reason":"counted_under=none ticket=CHG-12 reason=no backup has it"}"#
      ))
    #expect(try verified() == IdempotencyVerifier.Result())
    // The request with its key is a new one.
    #expect(try await house.push(token).value.status == 200)
    #expect(house.transport.sent.count == 2)
    #expect(try await payments(token) == [200])
    #expect(try house.auditFinding() == nil)
    house.time.pass(seconds: 86_401)
    try house.second()
    try house.settle()
    #expect(try house.keys(of: .idempotencyExpiry).isEmpty)
  }

  @Test func `where one of them stays, all do`() async throws {
    let (token, _, row) = try await paid()
    _ = try await house.push(token, key: "key-2").value
    let whole = try #require(try house.keys(of: .idempotency).first { $0 != row })
    try house.changeRow(row) { _, row in row[115] ^= 1 }
    try house.damage(token, byte: 60)
    let absent = try #require(DamagedEntry("row_00"))
    let record = DamagedEntry.record(RecordKey(token))
    #expect(
      try house.vault.obstacles(toRemoving: [name(row), name(whole), absent, record])
        == [nil, .row(.opens), .row(.absent), nil])
    #expect(throws: VaultError.entryStays(name(whole), .row(.opens))) {
      try house.vault.removeDamaged(
        [record, name(row), name(whole)], because: reason, actor: "user:ops")
    }
    #expect(try !house.entries().contains { $0.contains("store.remove-damaged") })
    let removed = try house.vault.removeDamaged(
      [name(row), record], because: reason, actor: "user:ops")
    #expect(removed.map(\.entry) == [name(row), record])
    #expect(try removed[1].countedUnder == house.vault.keyring.activeDataKey.identifier)
    let entries = try house.entries().filter { $0.contains("store.remove-damaged") }
    #expect(entries.map { $0.contains(#""outcome":"deleted""#) } == [false, true])
    #expect(try house.keys(of: .idempotency) == [whole])
  }

  @Test func `one that only stands wrong is not removed, nor is one whose key is missing`()
    async throws
  {
    let (_, _, row) = try await paid()
    try house.changeRow(row) { key, _ in key[31] ^= 1 }
    #expect(try house.vault.obstacles(toRemoving: [name(house.onlyRow())]) == [.row(.opens)])
    let missing = KeyIdentifier(0x0102_0304)
    try house.changeRow(house.onlyRow()) { _, row in
      row.replaceSubrange(80..<84, with: missing.value.bigEndianBytes)
    }
    // A flipped bit of the name: nothing is counted under it.
    #expect(try house.vault.obstacles(toRemoving: [name(house.onlyRow())]) == [nil])
    let tally = Array("cards/".utf8) + missing.value.bigEndianBytes
    try house.store.perform { transaction in
      try transaction.put(
        key: tally.rawSpan, value: UInt64(3).bigEndianBytes.rawSpan, in: .meta)
    }
    #expect(
      try house.vault.obstacles(toRemoving: [name(house.onlyRow())]) == [.row(.keyMissing(missing))]
    )
  }

  @Test func `one that may be that of a payment under way stays until it has its outcome`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    let first = try house.push(token)
    await house.transport.waitForArrival()
    let damaged = try lose(house.onlyRow(), 4)
    #expect(try house.vault.obstacles(toRemoving: [name(damaged)]) == [.row(.paymentUnderWay)])
    #expect(try await house.push(token).value.status == 500)
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await first.value
    #expect(answer.status == 200)
    #expect(try house.vault.obstacles(toRemoving: [name(damaged)]) == [nil])
    _ = try house.vault.removeDamaged([name(damaged)], because: reason, actor: "user:ops")
    #expect(try await house.push(token).value == answer)
    #expect(house.transport.sent.count == 1)
  }

  /// Version, state, key of the digest, end, payment, nonce.
  @Test(arguments: [0, 1, 4, 43, 50, 90])
  func `a payment whose row is damaged under way has its outcome, and an answer that is kept`(
    _ byte: Int
  ) async throws {
    let (token, _, other) = try await paid()
    house.transport.hold()
    let first = try house.push(token, key: "key-2")
    await house.transport.waitForArrival()
    let row = try #require(try house.keys(of: .idempotency).first { $0 != other })
    try house.changeRow(row) { _, row in row[byte] ^= 0x40 }
    try house.changeRow(other) { _, row in row[115] ^= 1 }
    house.transport.release(.answered(PaymentAnswer(outcome: .approved)))
    let answer = await first.value
    #expect(answer.status == 200)
    #expect(try house.entries().filter { $0.contains(#""outcome":"approved""#) }.count == 2)
    #expect(try await house.push(token, key: "key-2").value == answer)
    #expect(house.transport.sent.count == 2)
    #expect(try verified().damaged == [RowKey(other.rawSpan)])
    #expect(try house.vault.obstacles(toRemoving: [name(other)]) == [nil])
    house.time.pass(seconds: 86_401)
    try house.second()
    #expect(try house.keys(of: .idempotency).isEmpty)
    #expect(try house.keys(of: .idempotencyExpiry).isEmpty)
  }

  @Test func `a start goes on where that of a payment without an outcome is damaged`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    house.transport.hold()
    _ = try house.push(token)
    await house.transport.waitForArrival()
    try house.changeRow(house.onlyRow()) { _, row in row[0] ^= 0x40 }
    try house.crash()
    try house.open()
    house.transport.holdNoMore()
    #expect(try await house.push(token).value.status == 500)
    #expect(house.transport.sent.count == 1)
    #expect(try house.entries().contains { $0.contains(#""outcome":"unknown""#) })
  }

  @Test func `a re-encryption passes over it and counts it, and its key can go after its removal`()
    async throws
  {
    let (token, answer, row) = try await paid()
    let strayed = try await house.push(token, key: "key-2").value
    let second = try #require(try house.keys(of: .idempotency).first { $0 != row })
    _ = try await house.push(token, key: "key-3").value
    let third = try #require(try house.keys(of: .idempotency).first { $0 != row && $0 != second })
    try house.changeRow(second) { key, _ in key[31] ^= 1 }
    try house.changeRow(third) { _, row in row[115] ^= 1 }
    let old = try house.vault.keyring.activeDataKey.identifier
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
    #expect(try house.vault.keyWork.damaged == 1)
    #expect(try house.vault.needs(of: old).answers == 1)
    #expect(try await house.push(token).value == answer)
    #expect(try await house.push(token, key: "key-2").value == strayed)
    // Where not even the key can be read, it may be any.
    try house.changeRow(third) { _, row in row[0] = 9 }
    #expect(try house.vault.needs(of: old).answers == 1)
    _ = try house.vault.removeDamaged([name(third)], because: reason, actor: "user:ops")
    #expect(try house.vault.needs(of: old).isEmpty)
    _ = try house.vault.destroy(old, because: reason, actor: "user:ops", persons: 1)
    try wait()
    #expect(try house.vault.keyring.entry(old)?.state == .destroyed)
    #expect(try verified().damagedCount == 0)
  }

  @Test func `the first hundred are named, and read as they are written`() async throws {
    let token = try await house.token(of: Number.visa)
    for number in 0..<103 { _ = try await house.push(token, key: "k-\(number)").value }
    for key in try house.keys(of: .idempotency) {
      try house.changeRow(key) { _, row in row[115] ^= 1 }
    }
    let found = try verified()
    #expect(found.damagedCount == 103)
    #expect(found.damaged.count == IdempotencyVerifier.mostNamed)
    for key in found.damaged { #expect(RowKey(key.text) == key) }
    for text in ["", "row_", "row_0", "row_0G", "ROW_00", "row_0A", "key_00", token.text] {
      #expect(RowKey(text) == nil, "\(text)")
    }
    #expect(RowKey("row_" + String(repeating: "0", count: 1_024)) == nil)
  }
}
