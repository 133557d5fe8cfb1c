import Cards
import Storage
import TestSupport
import Testing

@testable import CardStore

/// A fingerprint index that has no room to be brought to where the records are.
@Suite struct IndexRoomTests {
  private let house: CardHouse
  private let tokens: [Token]

  /// Leaves a store behind whose index is lost, and has room for a part of what it should hold.
  init() throws {
    house = try CardHouse()
    tokens = try house.tokenize(customers: 0..<2_000)
    try house.crash()
    house.indexMapSize = 128 << 10
    house.pace.retryPause = .zero
    for name in ["", "-lock"] { TemporaryDirectory.removeAll(house.indexPath + name) }
  }

  @Test func `a store opens without room for its index, and does what needs none`() throws {
    try house.open()
    let figures = try house.cards.indexFigures
    #expect(figures.isBehind)
    #expect(figures.lackingBytes > 0)
    #expect(throws: CardStoreError.indexIsBehind) { try house.tokenize(Number.other) }
    #expect(throws: CardStoreError.indexIsBehind) {
      try house.tokenize(Number.visa, customer: "c-7")
    }
    #expect(try house.tokenize(Number.other, isDeduplicated: false).isNew)
    #expect(try house.release(tokens[0]) == "1111")
    #expect(try house.delete(tokens[0]))
    #expect(try house.release(tokens[0]) == nil)
  }

  @Test func `with more room the next start knows every card`() throws {
    try house.open()
    try house.crash()
    house.indexMapSize = 32 << 20
    try house.open()
    #expect(try !house.cards.indexFigures.isBehind)
    #expect(try house.tokenize(Number.visa, customer: "c-1999").token == tokens[1_999])
    #expect(try house.tokenize(Number.other).isNew)
    try house.reopen()
    #expect(try house.verify(comparesIndex: true).missingFromIndex == 0)
  }

  @Test func `it goes on by itself when there is room`() throws {
    try house.open()
    for token in tokens.dropLast(100) { #expect(try house.delete(token)) }
    while try house.cards.indexFigures.isBehind {
      try house.cards.indexFigures.lookSoon()
      _ = try house.tokenize(Number.other, isDeduplicated: false)
    }
    #expect(try house.tokenize(Number.visa, customer: "c-1999").token == tokens[1_999])
    #expect(try house.tokenize(Number.visa, customer: "c-1").isNew)
  }

  @Test func `what waits is written again after a pause, however much it is`() throws {
    var pace = IndexPace()
    pace.entriesPerFlush = 1_500
    pace.mostWaitingEntries = 2_500
    pace.retryPause = .zero
    // Room for what the file has at its beginning, and no more.
    let house = try CardHouse(pace: pace, indexMapSize: 96 << 10)
    let tokens = try house.tokenize(customers: 0..<2_450)
    while try house.cards.indexFigures.lackingBytes == 0 {
      try house.cards.indexFigures.lookSoon()
      _ = try house.tokenize(Number.other, isDeduplicated: false)
    }
    #expect(try house.tokenize(Number.visa, customer: "c-1").token == tokens[1])
  }
}
