import Bytes
import Cards
import Cryptography
import SecretMemory
import TestSupport
import Testing

@testable import RecordFormat

/// What a test may know of an opened card.
private struct Opened: Equatable {
  var number: String
  var expiry: Expiry
  var preferredBrand: String?
  var customer: String?
  var isDeduplicated: Bool

  init(_ card: borrowing StoredCard) {
    number = String(decoding: card.pan.digits.array, as: UTF8.self)
    expiry = card.expiry
    preferredBrand = card.preferredBrand?.name
    customer = card.customer?.text
    isDeduplicated = card.isDeduplicated
  }
}

private func open(
  _ record: [UInt8], token: Token, key: [UInt8], pool: SecretPool
) throws -> Opened {
  var cipher = try XAES256GCM(key: key.rawSpan)
  var scratch = try pool.slot()
  let slot = try pool.slot()
  let card = try CardRecord.open(
    record.rawSpan, token: token, cipher: &cipher, scratch: &scratch, slot: slot)
  let opened = Opened(card)
  let left = scratch.count
  #expect(left == 0)
  return opened
}

/// Seals any plaintext as a record, as a writer that does not keep to the format could.
private func seal(
  plaintext: [UInt8], header: CardRecordHeader, token: Token, key: [UInt8]
) throws -> [UInt8] {
  var cipher = try XAES256GCM(key: key.rawSpan)
  var record: [UInt8] = []
  header.append(to: &record)
  let nonce = [UInt8](repeating: 9, count: 24)
  record += nonce
  let binding = header.associatedData(token)
  try cipher.seal(
    plaintext.rawSpan, nonce: nonce.rawSpan, associatedData: binding.span.rawSpan,
    appendingTo: &record)
  return record
}

@Suite struct CardRecordTests {
  private let golden = GoldenFile(PackageResources.card_record_txt).entries

  @Test func aCardIsSealedAsTheGoldenFileSays() throws {
    let pool = try SecretPool.forTests()
    #expect(golden.count == 3)
    for entry in golden {
      let card = StoredCard(
        pan: try pool.pan(entry.text("number")),
        expiry: try Expiry(month: Int(entry.number("month")), year: Int(entry.number("year"))),
        preferredBrand: try entry.optionalText("preferred brand").flatMap { Brand($0) },
        customer: try entry.optionalText("customer").flatMap { CustomerReference($0) },
        isDeduplicated: try entry.number("deduplicated") == 1)
      var cipher = try entry.cipher()
      var scratch = try pool.slot()
      CardPlaintext.encode(card, into: &scratch)
      let plaintext = scratch.bytes.array
      #expect(try plaintext == entry.bytes("plaintext"))
      var record: [UInt8] = [0xAA]
      let token = try #require(Token(entry.text("token")))
      let merchant = try UInt32(entry.number("merchant"))
      let keyIdentifier = try entry.keyIdentifier("key id")
      let nonce = try entry.bytes("nonce")
      try CardRecord.seal(
        card, token: token, merchant: merchant, keyIdentifier: keyIdentifier,
        nonce: nonce.rawSpan, cipher: &cipher, scratch: &scratch, into: &record)
      #expect(try record == [0xAA] + entry.bytes("record"))
      let left = scratch.count
      #expect(left == 0)
    }
  }

  @Test func aRecordIsOpenedAsTheGoldenFileSays() throws {
    let pool = try SecretPool.forTests()
    for entry in golden {
      let record = try entry.bytes("record")
      let header = try CardRecordHeader(of: record.rawSpan)
      #expect(header.keyIdentifier == (try entry.keyIdentifier("key id")))
      #expect(header.merchant == UInt32(try entry.number("merchant")))
      let opened = try open(
        record, token: #require(Token(entry.text("token"))), key: entry.bytes("key"), pool: pool)
      #expect(try opened.number == entry.text("number"))
      #expect(
        try opened.expiry
          == Expiry(month: Int(entry.number("month")), year: Int(entry.number("year"))))
      #expect(try opened.preferredBrand == entry.optionalText("preferred brand"))
      #expect(try opened.customer == entry.optionalText("customer"))
      #expect(try opened.isDeduplicated == (entry.number("deduplicated") == 1))
    }
    #expect(pool.slotsInUse == 0)
  }

  @Test func aRecordOpensUnderItsOwnTokenOnly() throws {
    let pool = try SecretPool.forTests()
    let entry = golden[0]
    let other = try #require(Token(golden[1].text("token")))
    #expect(throws: RecordError.authenticationFailed) {
      try open(entry.bytes("record"), token: other, key: entry.bytes("key"), pool: pool)
    }
    #expect(pool.slotsInUse == 0)
  }

  @Test func everyBitOfARecordIsProtected() throws {
    let pool = try SecretPool.forTests()
    let entry = golden[0]
    let token = try #require(Token(entry.text("token")))
    let record = try entry.bytes("record")
    for bit in 0..<record.count * 8 {
      var changed = record
      changed[bit / 8] ^= 1 << (bit % 8)
      let expected: RecordError =
        bit < 8 ? .unsupportedVersion(changed[0]) : .authenticationFailed
      #expect(throws: expected) {
        try open(changed, token: token, key: entry.bytes("key"), pool: pool)
      }
    }
  }

  @Test func anotherLengthIsMalformed() throws {
    let pool = try SecretPool.forTests()
    let entry = golden[0]
    let token = try #require(Token(entry.text("token")))
    let record = try entry.bytes("record")
    for wrong in [[], Array(record.dropLast()), record + [0], Array(record.prefix(9))] {
      #expect(throws: RecordError.malformed) {
        try open(wrong, token: token, key: entry.bytes("key"), pool: pool)
      }
      #expect(throws: RecordError.malformed) { try CardRecordHeader(of: wrong.rawSpan) }
    }
  }

  @Test(arguments: [
    (0, 11), (0, 15), (0, 17), (0, 19), (0, 20), (0, 255),  // the number's length
    (1, 0x20), (1, 0x2D), (16, 0x3A), (17, 0x30), (19, 1),  // its digits and their padding
    (20, 0), (20, 13), (21, 0), (21, 8),  // expiry
    (23, 2), (23, 0x81),  // flags
    (24, 0), (24, 1), (24, 3), (24, 16), (25, 0x43), (39, 1),  // preferred brand
    (40, 0), (40, 5), (40, 7), (40, 65), (41, 0x20), (104, 1),  // customer
    (105, 1), (111, 1),  // padding
  ])
  func whatNoWriterWritesIsRefused(offset: Int, byte: UInt8) throws {
    let pool = try SecretPool.forTests()
    let entry = golden[0]
    let token = try #require(Token(entry.text("token")))
    let key = try entry.bytes("key")
    let header = CardRecordHeader(keyIdentifier: KeyIdentifier(1), merchant: 1)
    var plaintext = try entry.bytes("plaintext")
    _ = try open(
      seal(plaintext: plaintext, header: header, token: token, key: key), token: token, key: key,
      pool: pool)
    #expect(plaintext[offset] != byte)
    plaintext[offset] = byte
    // A brand of one letter, or a shorter customer, leaves a byte that is not padding.
    let record = try seal(plaintext: plaintext, header: header, token: token, key: key)
    #expect(throws: RecordError.invalidContent) {
      try open(record, token: token, key: key, pool: pool)
    }
    #expect(pool.slotsInUse == 0)
  }

  @Test func whateverOpensIsSealedTheSameAgain() throws {
    let pool = try SecretPool.forTests()
    var random = SeededGenerator(seed: 5)
    var acceptedCount = 0
    for _ in 0..<20_000 {
      let entry = golden[Int.random(in: 0..<golden.count, using: &random)]
      let plaintext = random.mutate(try entry.bytes("plaintext"))
      let slot = try pool.slot()
      guard let card = try? CardPlaintext.decode(plaintext.rawSpan, slot: slot) else { continue }
      acceptedCount += 1
      var scratch = try pool.slot()
      CardPlaintext.encode(card, into: &scratch)
      let again = scratch.bytes.array
      #expect(again == plaintext)
    }
    #expect(acceptedCount > 100)
    #expect(pool.slotsInUse == 0)
  }
}
