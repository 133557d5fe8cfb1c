import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import Storage
import Testing

@testable import CardStore

/// Records that do not open, and are given up.
@Suite struct DamagedRecordTests {
  private let house: CardHouse
  private let tokens: [Token]

  init() throws {
    house = try CardHouse()
    tokens = try house.tokenize(customers: 0..<5)
  }

  private func obstacle(_ key: RecordKey) throws -> RecordObstacle? {
    let cards = try house.cards
    return try house.perform { try cards.obstacle(toRemoving: key, in: &$0) }
  }

  private func remove(_ keys: [RecordKey]) throws -> [RemovedRecord] {
    let cards = try house.cards
    return try house.perform { try cards.removeDamaged(keys, in: &$0) }
  }

  /// Notes so many cards under a key, as of the next opening.
  private func count(_ number: UInt64, under key: KeyIdentifier) throws {
    let row = Array("cards/".utf8) + key.value.bigEndianBytes
    try house.put(row, number.bigEndianBytes, in: .meta)
    try house.reopen()
  }

  /// A byte of each part of a record: version, key, merchant, nonce, ciphertext, tag.
  @Test(arguments: [0, 1, 4, 5, 8, 9, 33, 80, 160])
  func `one with a flipped bit goes with its count, and all is sound`(_ byte: Int) throws {
    let key = try house.keyring.activeDataKey.identifier
    let damaged = RecordKey(tokens[2])
    try house.damage(tokens[2], byte: byte)
    try house.reopen()
    #expect(try house.verify().damaged == [damaged])
    #expect(try obstacle(damaged) == nil)
    #expect(try remove([damaged]) == [RemovedRecord(key: damaged, countedUnder: key)])
    #expect(try house.cards.cards(under: key) == 4)
    let found = try house.verify()
    #expect(found.isSound && found.isIndexSound)
    #expect(found.records == 4)
    try house.reopen()
    #expect(try house.verify().isSound)
    #expect(try house.release(tokens[2]) == nil)
    #expect(try house.tokenize(customers: 0..<2) == Array(tokens[0..<2]))
    #expect(try house.tokenize(customers: 2..<3) != [tokens[2]])
  }

  /// A flipped bit of the version of a UUID makes a key that is no token; one of its end, another token.
  @Test(arguments: [6, 15]) func `one under a damaged key is named and removed`(
    _ byte: Int
  ) throws {
    let moved = try house.move(tokens[2], flipping: byte)
    try house.reopen()
    let named = try #require(try house.verify().damaged.first)
    #expect(named.bytes == moved)
    #expect(named.token == nil || byte == 15)
    #expect(RecordKey(named.text) == named)
    #expect(try obstacle(RecordKey(tokens[2])) == .absent)
    #expect(try obstacle(named) == nil)
    _ = try remove([named])
    let found = try house.verify()
    #expect(found.isSound && found.isIndexSound)
  }

  @Test func `of several keys, each has its own count back`() throws {
    let first = try house.keyring.activeDataKey.identifier
    try house.change { (change) throws(KeyringError) in
      _ = try change.rotate(
        .data, cryptoperiodSeconds: 1_000, atMilliseconds: UInt64(CardHouse.start))
    }
    let second = try house.keyring.activeDataKey.identifier
    let newer = try house.tokenize(customers: 5..<8)
    // Headers that name other keys, and one that still names its own.
    for token in [tokens[1], tokens[4], newer[1]] { try house.damage(token, byte: 1) }
    try house.damage(newer[2], byte: 90)
    try house.reopen()
    let keys = try house.verify().damaged
    #expect(keys.count == 4)
    #expect(try Set(remove(keys).map(\.countedUnder)) == [first, second])
    #expect(try house.cards.cards(under: first) == 3)
    #expect(try house.cards.cards(under: second) == 1)
    #expect(try house.verify().isSound)
  }

  @Test func `a card stays, and what is not there`() throws {
    #expect(try obstacle(RecordKey(tokens[0])) == .opens)
    let nowhere = Token(UUIDv7(milliseconds: 1, counter: 1, random: 1))
    #expect(try obstacle(RecordKey(nowhere)) == .absent)
  }

  @Test func `one whose key the keyring lacks stays while cards are counted under that`() throws {
    let missing = KeyIdentifier(try house.keyring.activeDataKey.identifier.value ^ 1)
    try house.damage(tokens[1], byte: 4)
    try house.reopen()
    #expect(try obstacle(RecordKey(tokens[1])) == nil)
    try count(1, under: missing)
    #expect(try obstacle(RecordKey(tokens[1])) == .keyMissing(missing))
  }

  @Test func `keys of records are read as they are written and no other way`() throws {
    let token = RecordKey(tokens[0])
    #expect(token.text == tokens[0].text)
    #expect(RecordKey(token.text) == token)
    let other = try #require(RecordKey("key_00ff"))
    #expect(other.bytes == [0, 255] && other.token == nil && other.text == "key_00ff")
    for text in [
      "", "key_", "key_0", "key_00FF", "key_0x", "KEY_00", "00ff", "tok_", token.text.uppercased(),
      "key_" + tokens[0].array.hexadecimal, "key_" + String(repeating: "0", count: 1_024),
    ] {
      #expect(RecordKey(text) == nil, "\(text)")
    }
  }
}
