import Cards
import Cryptography
import Glibc
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import CardStore

/// A fingerprint index that cannot be read any more, under a store that is served.
@Suite(.timeLimit(.minutes(30))) struct IndexRebuildTests {
  private let house: CardHouse
  private let tokens: [Token]

  /// Leaves 25 cards behind whose fingerprints are all in the file.
  init() throws {
    house = try CardHouse()
    tokens = try house.tokenize(customers: 0..<25)
    try house.reopen()
  }

  /// Writes zeros over every page of the index that holds, or has held, fingerprints under `keyring`.
  private func damageFingerprints(under keyring: Keyring) throws {
    let cipher = try CardCipher(keyring: keyring, slots: house.slots)
    let wanted = try (0..<25).map { number in
      try cipher.fingerprint(
        house.card(Number.visa).pan, merchant: 1, customer: CustomerReference("c-\(number)")
      ).bytes
    }
    let descriptor = unsafe open(house.indexPath, O_RDWR)
    defer { close(descriptor) }
    let pageSize = 4_096
    let zeros = [UInt8](repeating: 0, count: pageSize)
    var page = [UInt8](repeating: 0, count: pageSize)
    var damaged = 0
    var offset = 0
    while unsafe page.withUnsafeMutableBytes({
      unsafe pread(descriptor, $0.baseAddress, pageSize, offset)
    }) == pageSize {
      if wanted.contains(where: { page.firstRange(of: $0) != nil }) {
        let count = unsafe zeros.withUnsafeBytes {
          unsafe pwrite(descriptor, $0.baseAddress, pageSize, offset)
        }
        try #require(count == pageSize)
        damaged += 1
      }
      offset += pageSize
    }
    try #require(damaged > 0, "no page holds the fingerprints")
  }

  /// Tokenizes a customer's card again and again until the index can be asked.
  private func tokenizeWhenRebuilt(customer: Int) throws -> Token? {
    while true {
      do {
        return try house.tokenize(customers: customer..<customer + 1).first
      } catch CardStoreError.indexUnreadable { continue }
    }
  }

  @Test func `no card is looked up until the index is built anew, and all else goes on`() throws {
    try damageFingerprints(under: house.keyring)
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 0..<1) }
    let other = try house.tokenize(Number.other, isDeduplicated: false)
    #expect(other.isNew)
    #expect(try house.release(tokens[4]) == "1111")
    #expect(try house.delete(tokens[24]))
    #expect(try tokenizeWhenRebuilt(customer: 0) == tokens[0])
    #expect(try house.tokenize(customers: 0..<24) == Array(tokens.dropLast()))
    #expect(try house.tokenize(customers: 24..<25) != [tokens[24]])
    #expect(try house.verify().isSound)
    #expect(TemporaryDirectory.files(in: house.directory.store).contains("index.mdb.set-aside"))
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.tokenize(customers: 0..<24) == Array(tokens.dropLast()))
    #expect(try house.verify().missingFromIndex == 0)
  }

  /// The engine lets nobody use a file again whose header page could not be written.
  @Test func `an index under which the disk has failed is built anew, and counted`() throws {
    #expect(try house.store.index.failed(.writingEnded) == .indexUnreadable)
    #expect(try house.store.index.failed(.full) == .indexIsBehind)
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 0..<1) }
    #expect(try tokenizeWhenRebuilt(customer: 0) == tokens[0])
    #expect(try house.tokenize(customers: 0..<25) == tokens)
    #expect(try house.store.indexHistory.losses == 1)
    #expect(try house.store.indexHistory.lastLoss == "writingEnded")
  }

  @Test func `a card that came in the batch that met the damage is found afterwards`() throws {
    try damageFingerprints(under: house.keyring)
    // Put there before anybody has met the damage: its fingerprint lies in memory alone.
    let cards = try house.cards
    let card = try house.card(Number.other, isDeduplicated: false)
    let plain = HeldCard(card)
    let looked = HeldCard(try house.card(Number.visa, customer: "c-3"))
    let stored = try house.perform { transaction in
      let stored = try cards.tokenize(
        plain.card, merchant: 1, atMilliseconds: CardHouse.start, in: &transaction)
      #expect(throws: CardStoreError.indexUnreadable) {
        try cards.tokenize(
          looked.card, merchant: 1, atMilliseconds: CardHouse.start, in: &transaction)
      }
      return stored.token
    }
    #expect(try house.release(stored) == "4242")
    #expect(try tokenizeWhenRebuilt(customer: 3) == tokens[3])
    #expect(try house.tokenize(customers: 0..<25) == tokens)
  }

  @Test func `an index whose damage is met at opening is built anew there`() throws {
    _ = try house.tokenize(customers: 25..<30)
    try damageFingerprints(under: house.keyring)
    try house.crash()
    // So that the last cards' entries are written at the start.
    house.pace.entriesPerFlush = 1
    try house.open()
    #expect(house.caughtUp == 30)
    #expect(try house.tokenize(customers: 0..<25) == tokens)
    #expect(try house.verify().isSound)
  }

  @Test func `while fingerprints are made anew both tables are built`() throws {
    let before = try house.keyring
    try house.rotate()
    let scan = try house.scan()
    let newer = try house.tokenize(customers: 25..<28)
    try damageFingerprints(under: before)
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 0..<1) }
    #expect(try tokenizeWhenRebuilt(customer: 0) == tokens[0])
    #expect(try house.tokenize(customers: 0..<28) == tokens + newer)
    // It filled the index that was set aside.
    #expect(throws: CardStoreError.indexUnreadable) { try scan.run { _ in } }
    #expect(try house.scan().run { _ in } == 0)
    try house.endRotation()
    #expect(try house.tokenize(customers: 0..<28) == tokens + newer)
    #expect(try house.verify().isSound)
  }

  @Test func `a rotation that ends on an index begun anew finds every card all the same`() throws {
    let before = try house.keyring
    try house.rotate()
    #expect(try house.scan().run { _ in } == 0)
    try damageFingerprints(under: before)
    // One that the new table does not have, and the older one is asked for.
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 40..<41) }
    _ = try tokenizeWhenRebuilt(customer: 40)
    try house.endRotation()
    #expect(try tokenizeWhenRebuilt(customer: 0) == tokens[0])
    #expect(try house.tokenize(customers: 0..<25) == tokens)
  }

  @Test func `a rotation and a stop while the index is built anew lose nothing`() throws {
    try damageFingerprints(under: house.keyring)
    #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 0..<1) }
    try house.rotate()
    try house.reopen()
    #expect(try tokenizeWhenRebuilt(customer: 0) == tokens[0])
    #expect(try house.tokenize(customers: 0..<25) == tokens)
  }

  private final class HeldCard {
    let card: StoredCard
    init(_ card: consuming StoredCard) { self.card = card }
  }
}
