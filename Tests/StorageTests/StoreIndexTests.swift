import Bytes
import Glibc
import LMDB
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
    #expect(store.index.loss == .missing)
    let table = try store.index.table("fingerprints")
    let bytes = keyBytes(1)
    try store.index.environment.write {
      try $0.put(key: bytes.rawSpan, value: bytes.rawSpan, in: table)
    }
  }

  /// Opens the store; tells why the index was lost, and how many fingerprints it holds.
  private func open() throws -> (loss: StoreIndex.Loss?, count: Int) {
    let store = try Store.open(at: directory.store, mapSize: mapSize)
    #expect(store.indexWasLost == (store.index.loss != nil))
    let table = try store.index.table("fingerprints")
    let count = try store.index.environment.read { try $0.count(of: table) }
    return (store.index.loss, count)
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

  @Test func `tables are known by their names`() throws {
    let store = try Store.open(at: directory.store, mapSize: mapSize)
    #expect(try store.index.table("fingerprints") == store.index.table("fingerprints"))
    #expect(try store.index.table("fingerprints") != store.index.table("fingerprints.next"))
  }
}
