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

/// The fingerprint index, written behind: what a flush does, and what comes and goes with it.
@Suite(.timeLimit(.minutes(30))) struct IndexFlushTests {
  private let house: CardHouse

  init() throws { house = try CardHouse(pace: .quick) }

  @Test func `many flushes lose nothing`() throws {
    var tokens: [Token] = []
    for start in stride(from: 0, to: 200, by: 8) {
      tokens += try house.tokenize(customers: start..<start + 8)
    }
    try house.expect(tokens, of: 0..<200)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 200)
    try house.expect(tokens, of: 0..<200)
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

  @Test func `a flush that fails part of the way moves no mark and loses nothing`() throws {
    // So small that the index is full after some of the transactions.
    let house = try CardHouse(pace: .quick, indexMapSize: 24 * 4_096)
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

  @Test func `what waits after a crash goes with the next flush`() throws {
    var tokens = try house.tokenize(customers: 0..<1)
    try house.reopen()
    tokens += try house.tokenize(customers: 1..<6)
    try house.crash()
    try house.open()
    tokens += try house.tokenize(customers: 6..<12)
    try house.expect(tokens, of: 0..<12)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 12)
  }
}
