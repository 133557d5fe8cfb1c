import Bytes
import Glibc
import LMDB
import TestSupport
import Testing

@testable import Storage

@Suite struct StoreTests {
  private struct Refusal: Error, Equatable {}

  private let mapSize = 1 << 20
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func create(first: UInt8 = 1) throws {
    try Store.create(
      at: directory.store, mapSize: mapSize,
      storeIdentifier: TemporaryDirectory.identifier(first))
  }

  private func open(mapSize: Int? = nil) throws(StorageError) -> Store {
    try Store.open(at: directory.store, mapSize: mapSize ?? self.mapSize)
  }

  @Test func `a new store is its owner's alone and empty`() throws {
    try create()
    let store = try open()
    #expect(directory.mode(of: ".") == 0o700)
    for file in ["cards.mdb", "cards.mdb-lock", "index.mdb", "index.mdb-lock", "lock"] {
      #expect(directory.mode(of: file) == 0o600, "\(file)")
    }
    #expect(store.storeIdentifier == (try TemporaryDirectory.identifier()))
    for table in Table.allCases where table != .meta { #expect(try store.count(of: table) == 0) }
  }

  @Test func `a store is not made over another`() throws {
    try create()
    #expect(throws: StorageError.alreadyInitialized(directory: directory.store)) {
      try create(first: 100)
    }
    #expect(try open().storeIdentifier == TemporaryDirectory.identifier())
  }

  @Test func `a directory without a store says so`() throws {
    #expect(throws: StorageError.notInitialized(directory: directory.store)) { try open() }
  }

  @Test(arguments: [false, true])
  func `a store whose first contents could not be written leaves nothing`(
    inDirectoryOfBefore isThere: Bool
  ) throws {
    if isThere { #expect(unsafe mkdir(directory.store, 0o700) == 0) }
    #expect(throws: Refusal.self) {
      try Store.create(
        at: directory.store, mapSize: mapSize, storeIdentifier: TemporaryDirectory.identifier()
      ) { transaction in
        try transaction.put(1)
        throw Refusal()
      }
    }
    #expect(directory.exists("") == isThere)
    #expect(TemporaryDirectory.files(in: directory.store) == [])
    #expect(throws: StorageError.notInitialized(directory: directory.store)) { try open() }
    try create()
    #expect(try open().count() == 0)
  }

  @Test func `a draft that a crash left behind is no store`() throws {
    try create()
    guard unsafe rename("\(directory.store)/cards.mdb", "\(directory.store)/cards.mdb.new") == 0
    else { throw StorageError.system(call: "rename", errno: errno) }
    // What is left of it is told.
    #expect(throws: StorageError.notInitialized(directory: directory.store, remains: ["lock"])) {
      try open()
    }
    try create(first: 100)
    #expect(try open().storeIdentifier == TemporaryDirectory.identifier(100))
  }

  @Test func `what the first contents are is there from the beginning`() throws {
    try Store.create(
      at: directory.store, mapSize: mapSize, storeIdentifier: TemporaryDirectory.identifier()
    ) { try $0.put(7, in: .keyring) }
    #expect(try open().read { try $0.contains(7, in: .keyring) })
  }

  @Test func `a second opener is told who has the store`() throws {
    try create()
    let store = try open()
    #expect(throws: StorageError.locked(byProcess: getpid())) { try open() }
    #expect(throws: StorageError.locked(byProcess: getpid())) { try create() }
    withExtendedLifetime(store) {}
  }

  @Test func `a lock names its holder, whatever stood there before`() throws {
    try create()
    for before in ["", "1\n", "12345678901234567890\n"] {
      try directory.replace("lock", by: Array(before.utf8))
      let store = try open()
      #expect(throws: StorageError.locked(byProcess: getpid())) { try open() }
      withExtendedLifetime(store) {}
    }
  }

  @Test func `a store that was let go can be opened again`() throws {
    try create()
    for _ in 0..<3 { #expect(try open().count() == 0) }
  }

  @Test func `a truncated file is refused`() throws {
    try create()
    try directory.truncate("cards.mdb", to: 3 * 4096)
    #expect(throws: StorageError.truncated(file: "\(directory.store)/cards.mdb")) { try open() }
    try directory.truncate("cards.mdb", to: 0)
    #expect(throws: StorageError.truncated(file: "\(directory.store)/cards.mdb")) { try open() }
  }

  @Test func `a file that is no store is refused and left as it is`() throws {
    try create()
    try directory.replace("cards.mdb", by: [UInt8](repeating: 0x41, count: 65536))
    #expect(throws: StorageError.damaged(file: "\(directory.store)/cards.mdb")) { try open() }
    #expect(throws: StorageError.alreadyInitialized(directory: directory.store)) { try create() }
  }

  @Test func `an LMDB file without the tables is refused`() throws {
    try create()
    guard unsafe unlink("\(directory.store)/cards.mdb") == 0 else { return }
    do {
      var options = Environment.Options(mapSize: mapSize)
      options.creates = true
      let environment = try Environment(path: "\(directory.store)/cards.mdb", options: options)
      _ = try environment.openDatabase("other", creating: true)
    }
    #expect(throws: StorageError.damaged(file: "\(directory.store)/cards.mdb")) { try open() }
  }

  @Test func `a store of a later format is refused`() throws {
    try Store.create(
      at: directory.store, mapSize: mapSize, storeIdentifier: TemporaryDirectory.identifier()
    ) { transaction in
      let key = Array("format".utf8)
      let value: [UInt8] = [3]
      try transaction.put(
        key: key.rawSpan, value: value.rawSpan, in: .meta)
    }
    let file = "\(directory.store)/cards.mdb"
    #expect(throws: StorageError.unknownFormat(file: file, format: 3)) { try open() }
  }

  @Test func `the map may grow between two starts and never shrink below the file`() throws {
    try create()
    do {
      let store = try open(mapSize: 4 << 20)
      #expect(try store.statistics().mapBytes == 4 << 20)
      try store.write { transaction in
        for number in 0..<5000 { try transaction.put(number, valueBytes: 400) }
      }
    }
    let error = #expect(throws: StorageError.self) { try open() }
    guard case .mapTooSmall(let file, let needed) = error else {
      Issue.record("not refused as too small: \(String(describing: error))")
      return
    }
    #expect(file == "\(directory.store)/cards.mdb")
    #expect(needed > 2 << 20)
    #expect(try open(mapSize: 4 << 20).count() == 5000)
  }

  @Test func `a write without the writer is committed or leaves nothing`() throws {
    try create()
    let store = try open()
    try store.write { try $0.put(1) }
    #expect(throws: Refusal.self) {
      try store.write { transaction in
        try transaction.put(2)
        throw Refusal()
      }
    }
    #expect(try store.read { try $0.contains(1) && !$0.contains(2) })
  }

  @Test func `statistics tell sizes, and every table is counted`() throws {
    try create()
    let store = try open()
    try store.write { transaction in
      for number in 0..<100 { try transaction.put(number) }
      try transaction.put(1, in: .audit)
    }
    let counts = try Table.allCases.map { try store.count(of: $0) }
    // Two rows of `meta` say whose store it is.
    #expect(counts == [100, 1, 0, 0, 0, 0, 0, 2])
    let statistics = try store.statistics()
    #expect(statistics.fileBytes > 100 * 161)
    #expect(statistics.usedBytes > 100 * 161)
    #expect(statistics.mapBytes == mapSize)
    #expect(try store.freeBytes() % statistics.pageBytes == 0)
    #expect(try store.isFileComplete())
    #expect(RoomGuard.reserve(ofMap: mapSize) == 256 << 10)
  }
}
