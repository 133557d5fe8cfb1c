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

/// The fingerprint index: written behind, lost, damaged, and never believed.
@Suite(.timeLimit(.minutes(30))) struct IndexTests {
  /// A flush at every ten entries, in transactions of three.
  private static let quick: IndexPace = {
    var pace = IndexPace()
    pace.entriesPerFlush = 10
    pace.entriesPerTransaction = 3
    pace.entriesPerHurriedTransaction = 3
    pace.longestPauseNanoseconds = 1_000
    return pace
  }()

  private let house: CardHouse

  init() throws { house = try CardHouse(pace: Self.quick) }

  /// That the customers' cards have these tokens.
  private func expect(
    _ tokens: [Token], of customers: Range<Int>, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try house.tokenize(customers: customers) == tokens, sourceLocation: sourceLocation)
    #expect(try house.verify().isSound, sourceLocation: sourceLocation)
  }

  @Test func `many flushes lose nothing`() throws {
    var tokens: [Token] = []
    for start in stride(from: 0, to: 200, by: 8) {
      tokens += try house.tokenize(customers: start..<start + 8)
    }
    try expect(tokens, of: 0..<200)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 200)
    try expect(tokens, of: 0..<200)
  }

  @Test func `a flush begins at its threshold and moves the mark with its end`() throws {
    _ = try house.tokenize(customers: 0..<9)
    #expect(try house.file().mark() == nil)
    let tokens = try house.tokenize(customers: 9..<12)
    // The flush has ended when its thread has been joined, which the next one's end waits for.
    try house.close()
    try house.open()
    #expect(try house.file().mark()?.token == tokens.last)
  }

  @Test func `after a crash the index catches up`() throws {
    var tokens = try house.tokenize(customers: 0..<2)
    try house.reopen()
    tokens += try house.tokenize(customers: 2..<7)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    try expect(tokens, of: 0..<7)
    // So few are kept in memory, and written like new ones.
    #expect(try house.file().count() == 2)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 7)
    try expect(tokens, of: 0..<7)
  }

  @Test func `after a crash before the first flush the index is written`() throws {
    let tokens = try house.tokenize(customers: 0..<5)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    #expect(try house.file().count() == 5)
    #expect(try house.file().mark()?.token == tokens.last)
    try expect(tokens, of: 0..<5)
  }

  @Test func `after a crash records without entries are opened once`() throws {
    _ = try house.tokenize(customers: 0..<1)
    try house.reopen()
    for _ in 0..<12 { _ = try house.tokenize(Number.visa, isDeduplicated: false) }
    _ = try house.tokenize(customers: 1..<2)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 13)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 0)
  }

  @Test func `after a crash with more than a flush the index is written`() throws {
    var tokens = try house.tokenize(customers: 0..<1)
    try house.reopen()
    tokens += try house.tokenize(customers: 1..<6)
    try house.crash()
    house.pace.entriesPerFlush = 4
    try house.open()
    #expect(house.caughtUp == 5)
    #expect(try house.file().count() == 6)
    #expect(try house.file().mark()?.token == tokens.last)
    try expect(tokens, of: 0..<6)
  }

  @Test func `what waits after a crash goes with the next flush`() throws {
    var tokens = try house.tokenize(customers: 0..<1)
    try house.reopen()
    tokens += try house.tokenize(customers: 1..<6)
    try house.crash()
    try house.open()
    tokens += try house.tokenize(customers: 6..<12)
    try expect(tokens, of: 0..<12)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 12)
  }

  @Test func `after a close nothing has to be opened`() throws {
    _ = try house.tokenize(customers: 0..<5)
    try house.reopen()
    #expect(house.caughtUp == 0)
  }

  @Test func `cards that are not deduplicated move the mark too`() throws {
    for _ in 0..<3 { _ = try house.tokenize(Number.visa, isDeduplicated: false) }
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 0)
  }

  @Test func `a flush that fails part of the way moves no mark and loses nothing`() throws {
    // So small that the index is full after some of the transactions.
    let house = try CardHouse(pace: Self.quick, indexMapSize: 24 * 4_096)
    var tokens: [Token] = []
    for start in stride(from: 0, to: 600, by: 50) {
      tokens += try house.tokenize(customers: start..<start + 50)
    }
    #expect(try house.tokenize(customers: 0..<600) == tokens)
    let marked = try house.file().mark()?.token
    try house.close()
    house.indexMapSize = 32 << 20
    try house.open()
    #expect(house.caughtUp > 0)
    #expect(marked.map { $0 < tokens[599] } ?? true)
    #expect(try house.tokenize(customers: 0..<600) == tokens)
    #expect(try house.verify().isSound)
  }

  @Test func `a crash between the transactions of a flush is caught up`() throws {
    let tokens = try house.tokenize(customers: 0..<6)
    // What a flush does before it dies: entries, and no mark.
    let fingerprints = try self.fingerprints(of: 0..<3)
    let entries = zip(fingerprints, tokens).map { IndexFile.Entry($0, $1) }
    try house.file().write(entries[...], mark: nil)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 6)
    try expect(tokens, of: 0..<6)
    try house.reopen()
    #expect(try house.file().count() == 6)
  }

  @Test func `an index that was removed is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.close()
    unsafe unlink(house.indexPath)
    unsafe unlink(house.indexPath + "-lock")
    try house.open()
    #expect(house.caughtUp == 25)
    try expect(tokens, of: 0..<25)
    try house.reopen()
    #expect(house.caughtUp == 0)
  }

  @Test func `an index that was truncated is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.close()
    #expect(unsafe truncate(house.indexPath, 2 * 4_096) == 0)
    try house.open()
    #expect(house.caughtUp == 25)
    try expect(tokens, of: 0..<25)
  }

  @Test func `an index of another store is not used`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    let mark = try mark(tokens[24], store: 99)
    try house.close()
    try house.open()
    try write(mark)
    try house.reopen()
    #expect(house.caughtUp == 25)
    try expect(tokens, of: 0..<25)
  }

  @Test func `an index under another fingerprint key is not used`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.reopen()
    try write(
      IndexMark(
        storeIdentifier: house.store.storeIdentifier, fingerprintKey: KeyIdentifier(1),
        token: tokens[24]))
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 25)
    try expect(tokens, of: 0..<25)
  }

  @Test func `an index that is ahead of its store is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.reopen()
    let ahead = Token(
      UUIDv7(milliseconds: UInt64(CardHouse.start) + 60_000, counter: 0, random: 0))
    try write(
      IndexMark(
        storeIdentifier: house.store.storeIdentifier,
        fingerprintKey: house.keyring.activeFingerprintKey.identifier, token: ahead))
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 25)
    #expect(try house.file().mark()?.token == tokens[24])
    try expect(tokens, of: 0..<25)
  }

  @Test func `an entry that points to another card is damage, and the index is built anew`() throws
  {
    let visa = try house.tokenize(Number.visa).token
    let mastercard = try house.tokenize(Number.mastercard).token
    let other = try house.tokenize(Number.other, merchant: 2).token
    try house.reopen()
    let fingerprint = try fingerprint(Number.visa)
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
    try house.file().write([(try fingerprint(Number.other), nowhere)], mark: nil)
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
    let fingerprints = try fingerprints(of: 0..<40)
    var key = fingerprints[3].bytes
    key[31] ^= 1
    guard let near = Digest256(key.rawSpan) else { throw Missing(what: "a fingerprint") }
    var later = tokens[3].array
    later[15] = 0xFF
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
      #expect(try house.store.index.history.figures.losses == 1)
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

  @Test func `the fingerprint of a deleted card goes with the next flush`() throws {
    let token = try house.tokenize(Number.visa).token
    let kept = try house.tokenize(Number.other).token
    try house.reopen()
    #expect(try house.file().count() == 2)
    #expect(try house.delete(token))
    #expect(try house.file().count() == 2)
    try house.reopen()
    #expect(try house.file().count() == 1)
    #expect(try house.tokenize(Number.other).token == kept)
    #expect(try house.tokenize(Number.visa).isNew)
  }

  @Test func `a card that comes again before its entry has gone is found`() throws {
    let token = try house.tokenize(Number.visa).token
    try house.reopen()
    #expect(try house.delete(token))
    let again = try house.tokenize(Number.visa).token
    try house.reopen()
    #expect(try house.tokenize(Number.visa).token == again)
    #expect(try house.file().count() == 1)
  }

  @Test func `an index that cannot keep up refuses new cards and lets cards go`() throws {
    var pace = IndexPace()
    pace.mostWaitingEntries = 2
    let house = try CardHouse(pace: pace)
    let tokens = try house.tokenize(customers: 0..<2)
    #expect(throws: CardStoreError.indexIsBehind) { try house.tokenize(Number.other) }
    #expect(try house.tokenize(Number.other, isDeduplicated: false).isNew)
    #expect(try house.delete(tokens[0]))
    try house.reopen()
    #expect(try house.tokenize(Number.other).isNew)
  }

  @Test func `an index mark is read as it was written and no other way`() throws {
    let mark = try mark(Token(UUIDv7(milliseconds: 5, counter: 6, random: 7)), store: 3)
    let row = mark.encode()
    #expect(row.count == IndexMark.size)
    let short = Array(row.dropLast())
    let read = [IndexMark(row.rawSpan), IndexMark(short.rawSpan), IndexMark([UInt8]().rawSpan)]
    #expect(read == [mark, nil, nil])
    for bit in 0..<8 * row.count {
      var changed = row
      changed[bit / 8] ^= 1 << (bit % 8)
      #expect(IndexMark(changed.rawSpan) == nil, "bit \(bit)")
    }
    // As earlier programs wrote it.
    let earlier = [1] + row[1..<37]
    #expect(IndexMark(earlier.rawSpan) == mark)
  }

  private func mark(_ token: Token, store first: UInt8) throws -> IndexMark {
    let identifier = try #require(StoreIdentifier(Array(first..<first + 16)))
    return IndexMark(
      storeIdentifier: identifier,
      fingerprintKey: try house.keyring.activeFingerprintKey.identifier, token: token)
  }

  private func write(_ mark: IndexMark) throws {
    let row = mark.encode()
    try house.store.index.write(to: .first) { (change) throws(StorageError) in
      try change.setMark(row.rawSpan)
    }
  }

  private func fingerprint(_ number: String, customer: String? = nil) throws -> Digest256 {
    let cipher = try CardCipher(keyring: house.keyring, slots: house.slots)
    let card = try house.card(number)
    return try cipher.fingerprint(
      card.pan, merchant: 1, customer: customer.flatMap { CustomerReference($0) })
  }

  private func fingerprints(of customers: Range<Int>) throws -> [Digest256] {
    try customers.map { try fingerprint(Number.visa, customer: "c-\($0)") }
  }
}
