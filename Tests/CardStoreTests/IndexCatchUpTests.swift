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

/// The fingerprint index after a crash: what its file lacks is added.
@Suite(.timeLimit(.minutes(30))) struct IndexCatchUpTests {
  private let house: CardHouse

  init() throws { house = try CardHouse(pace: .quick) }

  @Test func `after a crash the index catches up`() throws {
    var tokens = try house.tokenize(customers: 0..<2)
    try house.reopen()
    tokens += try house.tokenize(customers: 2..<7)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    try house.expect(tokens, of: 0..<7)
    // So few are kept in memory, and written like new ones.
    #expect(try house.file().count() == 2)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    try house.reopen()
    #expect(house.caughtUp == 0)
    #expect(try house.file().count() == 7)
    try house.expect(tokens, of: 0..<7)
  }

  @Test func `after a crash before the first flush the index is written`() throws {
    let tokens = try house.tokenize(customers: 0..<5)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 5)
    #expect(try house.file().count() == 5)
    #expect(try house.file().mark()?.token == tokens.last)
    try house.expect(tokens, of: 0..<5)
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
    try house.expect(tokens, of: 0..<6)
  }

  @Test func `a crash between the transactions of a flush is caught up`() throws {
    let tokens = try house.tokenize(customers: 0..<6)
    // What a flush does before it dies: entries, and no mark.
    let fingerprints = try house.fingerprints(of: 0..<3)
    let entries = zip(fingerprints, tokens).map { IndexFile.Entry($0, $1) }
    try house.file().write(entries[...], mark: nil)
    try house.crash()
    try house.open()
    #expect(house.caughtUp == 6)
    try house.expect(tokens, of: 0..<6)
    try house.reopen()
    #expect(try house.file().count() == 6)
  }
}
