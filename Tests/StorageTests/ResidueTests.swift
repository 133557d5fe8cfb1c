import Bytes
import Storage
import TestSupport
import Testing

/// What was changed or deleted is in no byte of a copy, and of a store after its compaction.
@Suite struct ResidueTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore(mapSize: 64 << 20)
  }

  /// Bytes that occur nowhere else, of a length of their own.
  private static func marker(_ number: Int) -> [UInt8] {
    Array("marker-\(number)-".utf8)
      + (0..<32 + number % 90).map { UInt8(truncatingIfNeeded: number &* 167 &+ $0 &* 59) }
  }

  private static func put(
    _ value: [UInt8], _ number: Int, in table: Table, _ transaction: inout StoreWriteTransaction
  ) throws {
    let key = keyBytes(number)
    try transaction.put(key: key.rawSpan, value: value.rawSpan, in: table)
  }

  /// Fills `table` with living values, and makes values between them that are overwritten by
  /// shorter and longer ones, or deleted; returns those that were.
  private func makeResidue(in table: Table, _ count: Int) throws -> [[UInt8]] {
    let markers = (0..<count).map(Self.marker)
    for round in 0..<4 {
      try store.write { transaction in
        for (number, marker) in markers.enumerated() where number % 4 == round {
          try Self.put(marker, 3 * number, in: table, &transaction)
          try Self.put(Array("alive".utf8), 3 * number + 1, in: table, &transaction)
          try Self.put(
            [UInt8](repeating: 0x61, count: 40), 3 * number + 2, in: table, &transaction)
        }
      }
    }
    try store.write { transaction in
      for number in markers.indices {
        switch number % 3 {
        case 0: _ = try transaction.delete(3 * number, in: table)
        case 1: try Self.put(Array("changed".utf8), 3 * number, in: table, &transaction)
        default:
          let value = [UInt8](repeating: 0x62, count: 200)
          try Self.put(value, 3 * number, in: table, &transaction)
        }
      }
    }
    return markers
  }

  /// How many of `markers` stand in the file.
  private func found(_ markers: [[UInt8]], in path: String) throws -> Int {
    let file = try contents(of: path)
    return markers.count { occurs($0, in: file) }
  }

  @Test(arguments: [(Table.keyring, 12), (.keyring, 300), (.cards, 1000)])
  func `a value that was changed or deleted is in no byte of the copy`(
    table: Table, count: Int
  ) throws {
    let markers = try makeResidue(in: table, count)
    let file = "\(directory.store)/cards.mdb"
    let copy = "\(directory.path)/copy.mdb"
    // They are there to be found before, some of them between living neighbours.
    try #require(found(markers, in: file) == count)
    _ = try store.copy(to: copy)
    #expect(try found(markers, in: copy) == 0)
    _ = try store.compact()
    #expect(try found(markers, in: file) == 0)
    // What lives was copied whole.
    #expect(try store.read { try $0.count(of: table) } == 3 * count - (count + 2) / 3)
    #expect(try found([Array("alive".utf8)], in: file) == 1)
  }

  @Test func `a copy of many transactions reuses pages of what lives only`() throws {
    let markers = try makeResidue(in: .keyring, 200)
    // Several times what one transaction of the copy takes, before and after the keyring.
    for round in 0..<20 {
      try store.write { transaction in
        for number in 0..<50 {
          let key = round * 1000 + number
          try transaction.put(key, valueBytes: 10_000, in: .audit)
          try transaction.put(key, valueBytes: 10_000, in: .idempotency)
        }
      }
    }
    _ = try store.compact()
    #expect(try found(markers, in: "\(directory.store)/cards.mdb") == 0)
  }
}
