import Bytes
import Cards
import Cryptography
import Glibc
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import CardStore

/// What the fingerprint index says is a hint, and never believed.
@Suite(.timeLimit(.minutes(30))) struct IndexHintTests {
  private let house: CardHouse

  init() throws { house = try CardHouse(pace: .quick) }

  @Test func `an entry that points to another card is damage, and the index is built anew`() throws
  {
    let visa = try house.tokenize(Number.visa).token
    let mastercard = try house.tokenize(Number.mastercard).token
    let other = try house.tokenize(Number.other, merchant: 2).token
    try house.reopen()
    let fingerprint = try house.fingerprint(of: Number.visa)
    for wrong in [mastercard, other] {
      try house.file().write([(fingerprint, wrong)], mark: nil)
      #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(Number.visa) }
      #expect(try tokenizeWhenRebuilt(Number.visa) == visa)
      try house.reopen()
    }
    #expect(try house.release(mastercard) == "4444")
    #expect(try house.verify().isSound)
  }

  private func tokenizeWhenRebuilt(_ number: String) throws -> Token {
    while true {
      do { return try house.tokenize(number).token } catch CardStoreError.indexUnreadable {
        continue
      }
    }
  }

  @Test func `an entry that points to nothing means nothing once the index was compared`() throws {
    let token = try house.tokenize(Number.visa).token
    try house.reopen()
    let nowhere = Token(UUIDv7(milliseconds: 1, counter: 1, random: 1))
    try house.file().write([(try house.fingerprint(of: Number.other), nowhere)], mark: nil)
    house.isLarge = true
    try house.reopen()
    #expect(throws: CardStoreError.indexUnproven) { try house.tokenize(Number.other) }
    #expect(try house.verify().isIndexSound)
    #expect(try house.tokenize(Number.other).isNew)
    #expect(try house.tokenize(Number.visa).token == token)
  }

  /// What flipped bits, and pages that changed places, do to entries.
  @Test(arguments: ["moved", "swapped", "gone", "extra", "later"], [false, true])
  func `an index that does not say what the records do is found out and built anew`(
    _ damage: String, _ isLarge: Bool
  ) throws {
    let tokens = try house.tokenize(customers: 0..<40)
    try house.reopen()
    let fingerprints = try house.fingerprints(of: 0..<40)
    var key = fingerprints[3].bytes
    key[31] ^= 1
    guard let near = Digest256(key.rawSpan) else { throw Missing(what: "a fingerprint") }
    var later = tokens[3].array
    // All of them, since one may be that already.
    for index in 9..<16 { later[index] = 0xFF }
    let entries: [IndexFile.Entry] =
      switch damage {
      case "moved": [(fingerprints[3], nil), (near, tokens[3])]
      case "swapped": [(fingerprints[3], tokens[4]), (fingerprints[4], tokens[3])]
      case "gone": [(fingerprints[3], nil)]
      // A flipped bit of the token itself.
      case "later": [(fingerprints[3], Token(bytes: later.rawSpan))]
      default: [(near, tokens[3])]
      }
    try house.file().write(entries[...], mark: nil)
    #expect(try !house.verify().isIndexSound)
    house.isLarge = isLarge
    try house.reopen()
    if isLarge {
      // Without a look at the whole, what is gone is not missed.
      guard damage != "gone" else { return }
      #expect(try house.tokenize(customers: 10..<12) == Array(tokens[10..<12]))
      if damage == "later" {
        // It may be the entry of a card that was deleted.
        #expect(throws: CardStoreError.indexUnproven) { try house.tokenize(customers: 3..<4) }
        #expect(try !house.verify().isIndexSound)
        return
      }
      if damage != "extra" {
        #expect(throws: CardStoreError.indexUnreadable) { try house.tokenize(customers: 3..<4) }
      }
    } else {
      #expect(house.caughtUp == 0)
      #expect(try house.store.indexHistory.losses == 1)
    }
    var found: [Token] = []
    for customer in 0..<40 {
      while true {
        do {
          found += try house.tokenize(customers: customer..<customer + 1)
          break
        } catch CardStoreError.indexUnreadable { continue }
      }
    }
    #expect(found == tokens)
    #expect(try house.verify().isSound)
  }
}
