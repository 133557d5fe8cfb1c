import Bytes
import Glibc
import TestSupport
import Testing

@testable import Storage

/// What a transaction reads while it changes things: what it began with and what it has changed, as one.
@Suite struct WriteSetTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore()
  }

  /// A table as it should be.
  private struct Model {
    var rows: [Int: Int] = [:]
    var keys: [Int] { rows.keys.sorted() }

    func value(_ key: Int) -> [UInt8]? { rows[key].map { repeated($0, 1 + $0 % 40) } }
  }

  private static let table = Table.idempotency

  private func walked(
    _ transaction: borrowing some StoreReading & ~Copyable, from start: Int? = nil, reversed: Bool
  ) throws -> [Int] {
    var keys: [Int] = []
    let first = start.map(keyBytes)
    func note(_ key: RawSpan) { keys.append(Int(UInt64(bigEndianBytes: key) ?? 0)) }
    if let first {
      try transaction.forEach(in: Self.table, from: first.rawSpan, reversed: reversed) {
        (key, _) throws(StorageError) in
        note(key)
        return true
      }
    } else {
      try transaction.forEach(in: Self.table, reversed: reversed) { (key, _) throws(StorageError) in
        note(key)
        return true
      }
    }
    return keys
  }

  private func neighbours(
    _ transaction: borrowing some StoreReading & ~Copyable, of number: Int
  ) throws -> [Int] {
    var keys: [Int] = []
    let key = keyBytes(number)
    try transaction.forNeighbours(of: key.rawSpan, in: Self.table) {
      (key, _) throws(StorageError) in keys.append(Int(UInt64(bigEndianBytes: key) ?? 0))
    }
    return keys
  }

  private func expect(
    _ transaction: borrowing some StoreReading & ~Copyable, toBe model: Model,
    _ random: inout SeededGenerator
  ) throws {
    let keys = model.keys
    #expect(try transaction.count(of: Self.table) == keys.count)
    #expect(try walked(transaction, reversed: false) == keys)
    #expect(try walked(transaction, reversed: true) == keys.reversed())
    for _ in 0..<4 {
      let place = Int.random(in: 0..<70, using: &random)
      #expect(
        try walked(transaction, from: place, reversed: false) == keys.filter { $0 >= place })
      #expect(
        try walked(transaction, from: place, reversed: true)
          == keys.filter { $0 <= place }.reversed())
      let key = keyBytes(place)
      #expect(
        try transaction.get(key.rawSpan, in: Self.table)?.array == model.value(place))
      guard model.rows[place] == nil else { continue }
      let after = keys.first { $0 > place }
      let before = keys.last { $0 < place }
      #expect(try neighbours(transaction, of: place) == [after, before].compactMap { $0 })
    }
  }

  /// Walks there and back at random, from one entry to the next.
  private func wander(
    _ transaction: borrowing some StoreReading & ~Copyable, over model: Model,
    _ random: inout SeededGenerator
  ) throws {
    let keys = model.keys
    var cursor = try transaction.cursor(in: Self.table)
    var place = -1
    for _ in 0..<30 {
      let isForward =
        place < 0 || place < keys.count - 1 && (place == 0 || Bool.random(using: &random))
      guard isForward ? place < keys.count - 1 : place > 0 else { return }
      var found: UInt64?
      if let entry = isForward ? try cursor.next() : try cursor.previous() {
        found = UInt64(bigEndianBytes: entry.key)
      }
      place += isForward ? 1 : -1
      #expect(try Int(#require(found)) == keys[place])
    }
  }

  @Test(arguments: 0..<40)
  func `what is read is what was put, whoever holds it`(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var model = Model()
    for _ in 0..<5 {
      let changes = Int.random(in: 0..<40, using: &random)
      let fails = Int.random(in: 0..<4, using: &random) == 0
      let before = model
      var after = model
      var generator = random
      do {
        try store.write { (transaction) throws(AnyFailure) in
          do {
            for _ in 0..<changes {
              try Self.change(&transaction, &after, &generator)
              if Int.random(in: 0..<8, using: &generator) == 0 {
                try expect(transaction, toBe: after, &generator)
                try wander(transaction, over: after, &generator)
              }
            }
            try expect(transaction, toBe: after, &generator)
            if fails { throw StorageError.cancelled }
          } catch { throw AnyFailure(error) }
        }
      } catch { #expect(fails) }
      random = generator
      model = fails ? before : after
      try store.read { try expect($0, toBe: model, &random) }
      try store.read { try wander($0, over: model, &random) }
    }
  }

  private static func change(
    _ transaction: inout StoreWriteTransaction, _ model: inout Model,
    _ random: inout SeededGenerator
  ) throws {
    let number = Int.random(in: 0..<64, using: &random)
    let key = keyBytes(number)
    switch Int.random(in: 0..<5, using: &random) {
    case 0, 1:
      let removed = model.rows.removeValue(forKey: number) != nil
      #expect(try transaction.delete(key.rawSpan, in: table) == removed)
    case 2 where model.rows.keys.allSatisfy { $0 < number }:
      model.rows[number] = number
      try transaction.append(
        key: key.rawSpan, value: repeated(number, 1 + number % 40).rawSpan, in: table)
    default:
      let value = Int.random(in: 0..<200, using: &random)
      model.rows[number] = value
      try transaction.put(
        key: key.rawSpan, value: repeated(value, 1 + value % 40).rawSpan, in: table)
    }
  }

  @Test func `a key that the engine would not take is refused at once`() throws {
    for count in [0, 512] {
      let key = [UInt8](repeating: 1, count: count)
      #expect(throws: StorageError.self) {
        try store.write { (transaction) throws(StorageError) in
          try transaction.put(key: key.rawSpan, value: key.rawSpan, in: Self.table)
        }
      }
    }
    try store.write { (transaction) throws(StorageError) in
      try transaction.put(7, in: Self.table)
      let longest = [UInt8](repeating: 1, count: 511)
      try transaction.put(key: longest.rawSpan, value: [UInt8]().rawSpan, in: Self.table)
    }
    #expect(try store.count(of: Self.table) == 2)
  }

  @Test func `what is put anew above what was appended is in nobody's way`() throws {
    for last in [false, true] {
      try store.write { (transaction) throws(StorageError) in
        try transaction.put(7)
        if !last { _ = try transaction.delete(6) }
      }
      try store.write { (transaction) throws(StorageError) in
        _ = try transaction.delete(7)
        if last { _ = try transaction.delete(6) }
        try transaction.append(6)
        if last { try transaction.append(7) } else { try transaction.put(7) }
      }
      #expect(try store.count() == 2)
    }
  }

  @Test func `what is appended is greater than all others, wherever they are`() throws {
    try store.write { (transaction) throws(StorageError) in try transaction.append(5) }
    for (earlier, later) in [(5, nil), (4, nil), (9, 9), (9, 8)] as [(Int, Int?)] {
      #expect(throws: StorageError.self) {
        try store.write { (transaction) throws(StorageError) in
          try transaction.append(earlier)
          if let later { try transaction.append(later) }
        }
      }
    }
    #expect(try store.count() == 1)
  }
}
