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

/// A fingerprint index that is lost, or not of this store: it is begun anew.
@Suite(.timeLimit(.minutes(30))) struct IndexLossTests {
  private let house: CardHouse

  init() throws { house = try CardHouse(pace: .quick) }

  @Test func `an index that was removed is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.close()
    unsafe unlink(house.indexPath)
    unsafe unlink(house.indexPath + "-lock")
    try house.open()
    #expect(house.caughtUp == 25)
    try house.expect(tokens, of: 0..<25)
    try house.reopen()
    #expect(house.caughtUp == 0)
  }

  @Test func `an index that was truncated is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.close()
    #expect(unsafe truncate(house.indexPath, 2 * 4_096) == 0)
    try house.open()
    #expect(house.caughtUp == 25)
    try house.expect(tokens, of: 0..<25)
  }

  @Test func `an index of another store is not used`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    let mark = try house.mark(tokens[24], store: 99)
    try house.close()
    try house.open()
    try house.write(mark)
    try house.reopen()
    #expect(house.caughtUp == 25)
    try house.expect(tokens, of: 0..<25)
  }

  @Test func `an index under another fingerprint key is not used`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.reopen()
    try house.write(
      IndexMark(
        storeIdentifier: house.store.storeIdentifier, fingerprintKey: KeyIdentifier(1),
        token: tokens[24]))
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 25)
    try house.expect(tokens, of: 0..<25)
  }

  @Test func `an index that is ahead of its store is rebuilt`() throws {
    let tokens = try house.tokenize(customers: 0..<25)
    try house.reopen()
    let ahead = Token(
      UUIDv7(milliseconds: UInt64(CardHouse.start) + 60_000, counter: 0, random: 0))
    try house.write(
      IndexMark(
        storeIdentifier: house.store.storeIdentifier,
        fingerprintKey: house.keyring.activeFingerprintKey.identifier, token: ahead))
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 25)
    #expect(try house.file().mark()?.token == tokens[24])
    // Which an operator has to hear of.
    #expect(try house.store.indexHistory.lastLoss?.contains("an older copy was put") == true)
    try house.expect(tokens, of: 0..<25)
  }

  @Test func `an index mark is read as it was written and no other way`() throws {
    let mark = try house.mark(Token(UUIDv7(milliseconds: 5, counter: 6, random: 7)), store: 3)
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
}
