import Bytes
import Cards
import Cryptography
import Glibc
import Keyring
import RecordFormat
import Storage
import Testing

@testable import CardStore

/// Records that do not open while an index is filled from them, and what comes of it.
@Suite struct UnopenedRecordTests {
  private let house: CardHouse
  private let tokens: [Token]

  /// Leaves five cards behind whose fingerprints are all in the file.
  init() throws {
    house = try CardHouse()
    tokens = try house.tokenize(customers: 0..<5)
    try house.reopen()
  }

  private func mark() throws -> Token? {
    let old = try #require(house.keyring.replacedFingerprintKey?.identifier)
    let active = try house.keyring.activeFingerprintKey.identifier
    let file = try IndexFile(store: house.store, fingerprintKey: old, besides: [active])
    return try file.other(for: active).mark()?.token
  }

  private func removeIndex() throws {
    unsafe unlink(house.indexPath)
    unsafe unlink(house.indexPath + "-lock")
  }

  @Test func `a scan says how many there are, and its mark stays before them`() throws {
    try house.damage(tokens[3], byte: 50)
    try house.rotate()
    for _ in 0..<2 {
      #expect(try house.scan().run { _ in } == 1)
      #expect(try mark() == tokens[2])
      // The number of its card is known by the older table alone.
      #expect(throws: CardStoreError.recordDoesNotOpen) { try house.tokenize(customers: 3..<4) }
      try house.reopen()
    }
    try house.damage(tokens[3], byte: 50)
    #expect(try house.scan().run { _ in } == 0)
    try house.endRotation()
    try house.expect(tokens, of: 0..<5)
  }

  @Test func `one under a key that is no token holds a scan up too`() throws {
    try house.move(tokens[1], flipping: 6)
    try house.rotate()
    // It stands behind all others.
    for _ in 0..<2 {
      #expect(try house.scan().run { _ in } == 1)
      #expect(try mark() == tokens[4])
    }
  }

  @Test func `the first of all leaves a scan without a mark, and ends like others`() throws {
    try house.damage(tokens[0], byte: 50)
    try house.rotate()
    #expect(try house.scan().run { _ in } == 1)
    #expect(try mark() == nil)
    try house.reopen()
    try house.damage(tokens[0], byte: 50)
    #expect(try house.scan().run { _ in } == 0)
    try house.endRotation()
    try house.expect(tokens, of: 0..<5)
  }

  @Test(arguments: [false, true])
  func `an index that was lost meanwhile is no proof, and says what it lacks`(
    _ isLarge: Bool
  ) throws {
    try house.damage(tokens[3], byte: 50)
    try house.close()
    try removeIndex()
    house.isLarge = isLarge
    try house.open()
    #expect(try !house.store.index.isProven)
    #expect(try house.store.indexHistory.leftOut == 1)
    let found = try house.verify()
    #expect(found.leftOutOfIndex == 1)
    #expect(found.isIndexSound)
    #expect(try !house.store.index.isProven)
    // After another start nobody but the comparison knows of it.
    house.isLarge = false
    try house.reopen()
    #expect(try !house.store.index.isProven)
    #expect(try house.store.indexHistory.leftOut == 1)
  }

  @Test func `an index that keeps the entry of a damaged record is proof`() throws {
    try house.damage(tokens[3], byte: 50)
    try house.reopen()
    #expect(try house.store.index.isProven)
    #expect(try house.store.indexHistory.leftOut == 0)
  }

  @Test func `an index that was filled from all records is proof, and not before`() throws {
    house.isLarge = true
    try house.close()
    try removeIndex()
    let store = try Store.open(at: house.directory.store, mapSize: 32 << 20)
    #expect(try !store.index.isProven)
    store.stopWriter()
  }

  @Test func `one that was filled beside a service is proof too`() throws {
    house.isLarge = true
    try house.reopen()
    try house.store.index.condemn("a test wants another")
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 0..<1) }
    while true {
      do {
        #expect(try house.tokenize(customers: 0..<1) == [tokens[0]])
        break
      } catch CardStoreError.indexUnreadable { continue }
    }
    #expect(try house.store.index.isProven)
  }

  /// The card came again when its record did not open, and a restore or luck has mended that since.
  @Test func `two tokens of one card are told, and are no damage`() throws {
    try house.damage(tokens[3], byte: 50)
    try house.close()
    try removeIndex()
    try house.open()
    let second = try house.tokenize(customers: 3..<4)[0]
    #expect(second != tokens[3])
    try house.damage(tokens[3], byte: 50)
    let pair = SecondToken(older: tokens[3], newer: second)
    try house.reopen()
    #expect(try house.store.indexHistory.losses == 0)
    let found = try house.verify()
    #expect(found.isSound && found.isIndexSound)
    #expect(found.secondTokens == [pair])
    #expect(found.secondTokenCount == 1)
    // Other customers of the merchant, and other merchants, have tokens of their own.
    _ = try house.tokenize(Number.visa, merchant: 2)
    _ = try house.tokenize(Number.visa, isDeduplicated: false)
    #expect(try house.verify().secondTokenCount == 1)
    #expect(try house.delete(tokens[3]))
    #expect(try house.verify().secondTokenCount == 0)
    #expect(try house.tokenize(customers: 3..<4) == [second])
  }
}
