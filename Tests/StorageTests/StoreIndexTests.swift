import Bytes
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct StoreIndexTests {
  private let mapSize = 1 << 20
  private let directory: TemporaryDirectory

  /// Leaves a closed store behind whose index holds one fingerprint.
  init() throws {
    directory = try TemporaryDirectory()
    let store = try directory.newStore(mapSize: mapSize)
    #expect(try store.index.loss == .missing)
    try Self.put(1, in: .first, of: try store.index)
  }

  private static func put(
    _ number: Int, in slot: StoreIndex.Slot, of index: StoreIndex
  ) throws(StorageError) {
    let bytes = keyBytes(number)
    try index.write(to: slot) { (change) throws(StorageError) in
      try change.set(bytes.rawSpan, to: bytes.rawSpan)
      try change.setMark(bytes.rawSpan)
    }
  }

  /// What a table has under a number, and its mark.
  private func row(
    _ number: Int, in slot: StoreIndex.Slot, of index: StoreIndex
  ) throws(StorageError) -> [[UInt8]?] {
    let key = keyBytes(number)
    func array(_ span: RawSpan) -> [UInt8]? { unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
    return [
      try index.token(for: unsafe key.span.bytes, in: slot, array),
      try index.mark(of: slot, array),
    ]
  }

  /// Opens the store; tells why the index was lost, and how many fingerprints it holds.
  private func open() throws -> (loss: StoreIndex.Loss?, count: Int) {
    let store = try Store.open(at: directory.store, mapSize: mapSize)
    #expect(store.indexWasLost == (try store.index.loss != nil))
    return (try store.index.loss, try store.index.count(of: .first))
  }

  private func expectLost(_ reason: StoreIndex.Loss) throws {
    #expect(try open() == (loss: reason, count: 0))
    #expect(directory.exists("index.mdb.set-aside") == (reason != .missing))
    #expect(try open() == (loss: nil, count: 0))
  }

  @Test func `an index that is whole stays in use`() throws {
    #expect(try open() == (loss: nil, count: 1))
    #expect(try open() == (loss: nil, count: 1))
  }

  @Test func `a missing index begins anew`() throws {
    guard unsafe unlink("\(directory.store)/index.mdb") == 0 else { return }
    try expectLost(.missing)
  }

  @Test func `a truncated index is set aside and begins anew`() throws {
    try directory.truncate("index.mdb", to: 3 * 4096)
    try expectLost(.truncated)
  }

  @Test func `an index that is garbage is set aside and begins anew`() throws {
    try directory.replace("index.mdb", by: [UInt8](repeating: 0x41, count: 65536))
    try expectLost(.damaged)
  }

  @Test func `an index of another store is set aside and begins anew`() throws {
    let other = try TemporaryDirectory()
    try Store.create(
      at: other.store, mapSize: mapSize, storeIdentifier: TemporaryDirectory.identifier(100))
    _ = try Store.open(at: other.store, mapSize: mapSize)
    guard unsafe rename("\(other.store)/index.mdb", "\(directory.store)/index.mdb") == 0 else {
      throw StorageError.system(call: "rename", errno: errno)
    }
    try expectLost(.foreign)
  }

  @Test func `each table has its own entries and its own mark`() throws {
    let index = try Store.open(at: directory.store, mapSize: mapSize).index
    try Self.put(2, in: .second, of: index)
    #expect(try row(1, in: .first, of: index) == [keyBytes(1), keyBytes(1)])
    #expect(try row(1, in: .second, of: index) == [nil, keyBytes(2)])
    #expect(try row(2, in: .second, of: index) == [keyBytes(2), keyBytes(2)])
    try index.write(to: .second) { (change) throws(StorageError) in try change.clear() }
    #expect(try row(2, in: .second, of: index) == [nil, nil])
    #expect(try index.count(of: .first) == 1)
  }

  @Test func `an index is replaced in a store that is open, and the one before stays readable`()
    throws
  {
    let store = try Store.open(at: directory.store, mapSize: mapSize)
    let before = try store.index
    before.condemn("damaged")
    try store.replaceIndex()
    #expect(before.isCondemned)
    #expect(try !store.index.isCondemned)
    #expect(try store.index.loss == .damaged)
    #expect(directory.exists("index.mdb.set-aside"))
    #expect(try row(1, in: .first, of: store.index) == [nil, nil])
    try Self.put(3, in: .first, of: store.index)
    #expect(try row(1, in: .first, of: before) == [keyBytes(1), keyBytes(1)])
    // Where an attempt before has come no further than to set it aside.
    guard unsafe unlink("\(directory.store)/index.mdb") == 0 else { return }
    try store.replaceIndex()
    #expect(try row(3, in: .first, of: store.index) == [nil, nil])
  }
}
