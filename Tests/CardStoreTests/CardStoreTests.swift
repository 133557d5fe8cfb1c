import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Testing

@testable import CardStore

@Suite(.timeLimit(.minutes(30))) struct CardStoreTests {
  private let house: CardHouse

  init() throws { house = try CardHouse() }

  private struct Refusal: Error {}

  @Test func `the cards under a key are counted exactly`() throws {
    let key = try house.keyring.activeDataKey.identifier
    #expect(try CardVerifier.cardCounts(in: house.store).isEmpty)
    let tokens = try house.tokenize(customers: 0..<30)
    #expect(try CardVerifier.cardCounts(in: house.store) == [key: 30])
    _ = try house.tokenize(customers: 0..<30)
    for token in tokens[..<7] { #expect(try house.delete(token)) }
    #expect(try !house.delete(tokens[0]))
    #expect(try CardVerifier.cardCounts(in: house.store) == [key: 23])
    try house.crash()
    try house.open()
    _ = try house.tokenize(Number.other)
    let found = try house.verify()
    #expect(found.found == [key: 24])
    #expect(found.counted == [key: 24])
    #expect(found.isSound)
  }

  @Test func `a new expiry leaves the count as it is`() throws {
    _ = try house.tokenize(Number.visa)
    _ = try house.tokenize(Number.visa, year: 2030)
    #expect(try house.verify().isSound)
  }

  @Test func `a batch that is aborted leaves no card, no entry and no count`() throws {
    let first = try house.tokenize(Number.visa)
    let cards = try house.cards
    let held = Held(try house.card(Number.other))
    #expect(throws: Refusal.self) {
      try house.perform { transaction in
        _ = try cards.tokenize(
          held.card, merchant: 1, atMilliseconds: CardHouse.start, in: &transaction)
        _ = try cards.delete(first.token, merchant: 1, in: &transaction)
        throw Refusal()
      }
    }
    #expect(try house.tokenize(Number.visa).token == first.token)
    #expect(try house.tokenize(Number.other).isNew)
    #expect(try house.verify().isSound)
    #expect(try house.verify().records == 2)
  }

  @Test func `a card of another merchant is neither released nor deleted`() throws {
    let token = try house.tokenize(Number.visa).token
    #expect(try house.release(token, merchant: 2) == nil)
    #expect(try !house.delete(token, merchant: 2))
    #expect(try house.release(token) == "1111")
  }

  @Test func `what clients hold does not keep a known card from being found`() throws {
    let token = try house.tokenize(Number.visa).token
    let cards = try house.cards
    // The writer lets go of a job when it takes the next one.
    try house.perform { _ in }
    let held = Held(try house.card(Number.visa))
    let others = try (1..<house.slots.slotCount).map { _ in Held(try house.card(Number.other)) }
    #expect(house.slots.slotsInUse == house.slots.slotCount)
    let found = try house.perform { transaction in
      try cards.tokenize(
        held.card, merchant: 1, atMilliseconds: CardHouse.start, in: &transaction)
    }
    #expect(found.token == token)
    #expect(throws: CardStoreError.noSecretMemory) { try house.release(token) }
    withExtendedLifetime(others) {}
  }

  @Test func `tokens go on from the newest that was ever given`() throws {
    let first = try house.tokenize(Number.visa).token
    #expect(try house.delete(first))
    try house.reopen()
    #expect(try house.tokenize(Number.visa).token > first)
  }

  @Test func `a note of the newest token that fell behind stops no new card`() throws {
    let older = try house.tokenize(Number.visa).token
    let newer = try house.tokenize(Number.other).token
    try house.put(Array("newest-token".utf8), older.array, in: .meta)
    try house.reopen()
    #expect(try house.tokenize(Number.mastercard).token > newer)
    #expect(try house.tokenize(Number.other).token == newer)
  }

  private final class Held {
    let card: StoredCard
    init(_ card: consuming StoredCard) { self.card = card }
  }
}

/// Damage to records, keys and counts, which LMDB does not notice.
@Suite(.timeLimit(.minutes(30))) struct DamageTests {
  private let house: CardHouse

  init() throws { house = try CardHouse() }

  /// A byte of each part of a record: version, key, merchant, nonce, ciphertext, tag.
  @Test(arguments: [0, 1, 4, 5, 8, 9, 32, 33, 80, 144, 145, 160])
  func `a record with a flipped bit is an error and never another card`(_ byte: Int) throws {
    let damaged = try house.tokenize(Number.visa).token
    let whole = try house.tokenize(Number.other).token
    try house.damage(damaged, byte: byte)
    var isRead = false
    for _ in 0..<2 {
      // Before anybody has read the store, a damaged merchant number makes it another merchant's card.
      if (5...8).contains(byte), !isRead {
        #expect(try house.release(damaged) == nil)
      } else {
        #expect(throws: CardStoreError.recordDoesNotOpen) { try house.release(damaged) }
        #expect(throws: CardStoreError.recordDoesNotOpen) { try house.delete(damaged) }
      }
      #expect(try house.release(whole) == "4242")
      try house.crash()
      try house.open()
      isRead = true
    }
    let found = try house.verify()
    #expect(!found.isSound)
    #expect(found.damaged == [RecordKey(damaged)])
    #expect(found.damagedCount == 1)
  }

  @Test(arguments: [false, true]) func `a damaged card that comes again gets no other token`(
    _ isLarge: Bool
  ) throws {
    house.isLarge = isLarge
    let damaged = try house.tokenize(Number.visa).token
    try house.reopen()
    try house.damage(damaged, byte: 50)
    for _ in 0..<2 {
      #expect(throws: CardStoreError.recordDoesNotOpen) { try house.tokenize(Number.visa) }
      #expect(try house.tokenize(Number.other).token != damaged)
      try house.reopen()
    }
    #expect(try house.verify().damaged == [RecordKey(damaged)])
  }

  /// What a flipped bit does to the key of a record: it stands where it stood, under another name.
  @Test(arguments: [false, true]) func `a card whose key is damaged is neither lost nor new`(
    _ isLarge: Bool
  ) throws {
    let tokens = try house.tokenize(customers: 0..<5)
    try house.reopen()
    try house.move(tokens[2], flipping: 15)
    house.isLarge = isLarge
    try house.reopen()
    #expect(throws: CardStoreError.recordDoesNotOpen) { try house.release(tokens[2]) }
    #expect(throws: CardStoreError.recordDoesNotOpen) { try house.delete(tokens[2]) }
    #expect(throws: CardStoreError.recordDoesNotOpen) { try house.tokenize(customers: 2..<3) }
    for (customer, token) in tokens.enumerated() where customer != 2 {
      #expect(try house.tokenize(customers: customer..<customer + 1) == [token])
      #expect(try house.release(token) == "1111")
    }
    #expect(try house.tokenize(Number.other).isNew)
    #expect(try house.verify().damagedCount == 1)
  }

  @Test func `a record under the token of another one does not open`() throws {
    let visa = try house.tokenize(Number.visa).token
    let other = try house.tokenize(Number.other).token
    try house.put(visa.array, house.value(other.array, in: .cards), in: .cards)
    #expect(throws: CardStoreError.recordDoesNotOpen) { try house.release(visa) }
    #expect(try house.verify().damaged == [RecordKey(visa)])
  }

  @Test func `a record under a damaged key stops nothing and is counted`() throws {
    let token = try house.tokenize(Number.visa).token
    let record = try house.value(token.array, in: .cards)
    try house.put(Array("not a token at all".utf8), record, in: .cards)
    try house.crash()
    try house.open()
    #expect(try house.tokenize(Number.visa).token == token)
    let found = try house.verify()
    #expect(found.damagedCount == 1)
    #expect(found.damaged.map(\.text) == ["key_" + Array("not a token at all".utf8).hexadecimal])
  }

  @Test func `a damaged count stops nothing and is found`() throws {
    let token = try house.tokenize(Number.visa).token
    let key = try house.keyring.activeDataKey.identifier
    let row = Array("cards/".utf8) + key.value.bigEndianBytes
    for count in [UInt64(0), .max] {
      try house.put(row, count.bigEndianBytes, in: .meta)
      try house.reopen()
      #expect(try !house.verify().isSound)
    }
    try house.put(row, UInt64(0).bigEndianBytes, in: .meta)
    try house.reopen()
    #expect(try house.delete(token))
  }

  @Test func `what the index does not hold yet is told and is no damage`() throws {
    let tokens = try house.tokenize(customers: 0..<3)
    try house.reopen()
    #expect(try house.verify().missingFromIndex == 0)
    let newer = try house.tokenize(customers: 3..<5)
    #expect(try house.verify().missingFromIndex == newer.count)
    try house.file().clear()
    let found = try house.verify()
    #expect(found.missingFromIndex == tokens.count + newer.count)
    #expect(found.isSound && found.isIndexSound)
  }
}
