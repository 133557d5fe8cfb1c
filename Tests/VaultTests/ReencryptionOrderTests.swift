import RecordFormat
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// The row that says that cards are to be moved.
@Suite struct ReencryptionOrderTests {
  private static func order(_ cards: [UInt32: UInt64] = [10: 120, 11: 0, 0xFFFF_FFFF: 1])
    -> ReencryptionOrder
  {
    var order = ReencryptionOrder(
      cardsPerSecond: 500, beganMilliseconds: 1_795_459_405_123, sequence: 42, actor: "user:ann")
    order.note(
      Dictionary(uniqueKeysWithValues: cards.map { (KeyIdentifier($0.key), $0.value) }))
    return order
  }

  @Test func `it is read as it was written`() {
    for order in [Self.order(), Self.order([:])] {
      #expect(ReencryptionOrder(order.encoded) == order)
    }
  }

  @Test func `it has the layout that is documented`() {
    #expect(
      Self.order([0x0A1B_2C3D: 258]).encoded == [
        0, 0, 0, 0, 0, 0, 1, 0xF4, 0, 0, 1, 0xA2, 0x09, 0xB8, 0x55, 0x43, 0, 0, 0, 0, 0, 0, 0, 42,
        0, 1, 0x0A, 0x1B, 0x2C, 0x3D, 0, 0, 0, 0, 0, 0, 1, 2,
      ] + Array("user:ann".utf8))
  }

  @Test func `a key is noted once, with its cards of then, and one without cards is not`() {
    var order = Self.order([10: 120])
    order.note([KeyIdentifier(10): 7, KeyIdentifier(12): 5, KeyIdentifier(13): 0])
    #expect(order.cards(under: KeyIdentifier(10)) == 120)
    #expect(order.cards(under: KeyIdentifier(12)) == 5)
    #expect(order.counts.count == 2)
  }

  @Test func `what has another layout is refused`() {
    let row = Self.order().encoded
    for count in 0...(row.count - "user:ann".utf8.count) {
      #expect(ReencryptionOrder(Array(row.prefix(count))) == nil, "\(count) bytes")
    }
    var many = row
    many[24] = 0xFF
    #expect(ReencryptionOrder(many) == nil)
    #expect(ReencryptionOrder(row + [0xFF]) == nil)
    var twice = row
    twice.replaceSubrange(38..<42, with: row[26..<30])
    #expect(ReencryptionOrder(twice) == nil)
  }
}
