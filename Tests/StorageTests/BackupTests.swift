import Glibc
import LMDB
import TestSupport
import Testing

@testable import Storage

@Suite struct BackupTests {
  private struct Refusal: Error, Equatable {}

  private let mapSize = 64 << 20
  private let directory: TemporaryDirectory
  private let store: Store
  private var backup: String { "\(directory.path)/backup.mdb" }
  private var restored: String { "\(directory.path)/restored" }

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore(mapSize: 64 << 20)
    try store.fillAndDelete()
  }

  private func restore(
    mapSize: Int? = nil, _ populate: (inout StoreWriteTransaction) throws -> Void = { _ in }
  ) throws {
    try Store.restore(
      from: backup, to: restored, mapSize: mapSize ?? self.mapSize,
      storeIdentifier: TemporaryDirectory.identifier(100), populate: populate)
  }

  private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  private func overwrite(_ bytes: [UInt8], at offset: Int) throws {
    let descriptor = unsafe open(backup, O_WRONLY)
    defer { close(descriptor) }
    let written = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset)
    }
    guard written == bytes.count else { throw StorageError.system(call: "pwrite", errno: errno) }
  }

  @Test func `a copy is its owner's alone and has every entry`() throws {
    var last = (0, 0)
    let result = try store.copy(to: backup) { done, total in
      last = (done, total)
      return true
    }
    let rows = try store.rows()
    #expect(result.entryCount == rows.count + 2)
    #expect(last == (result.entryCount, result.entryCount))
    #expect(try result.fileBytes == contents(of: backup).count)
    #expect(result.fileBytes < (try store.statistics().fileBytes) / 4)
    #expect(directory.mode(of: "../backup.mdb") == 0o600)
    for path in ["\(backup).new", "\(backup)-lock", "\(backup).new-lock"] {
      #expect(!exists(path), "\(path)")
    }
    #expect(try Store.open(copy: backup).storeIdentifier == store.storeIdentifier)
  }

  @Test func `a copy made while serving is one moment of the store`() throws {
    try store.startWriter() { Issue.record("writing ended: \($0)") }
    let isDone = Collected<Bool>()
    let writer = try TestThread { [store] in
      var number = 1_000_000
      while isDone.elements.isEmpty {
        number += 1
        do {
          // Both in one transaction, or none.
          try store.perform { [number] transaction in
            try transaction.put(number, in: .cards)
            try transaction.put(number, in: .audit)
          }
        } catch { Issue.record("not written: \(error)") }
      }
    }
    for round in 0..<5 {
      let path = "\(directory.path)/copy-\(round).mdb"
      _ = try store.copy(to: path)
      // A compaction during the copies changes nothing of them.
      _ = try store.compact()
      let target = "\(directory.path)/restored-\(round)"
      try Store.restore(
        from: path, to: target, mapSize: mapSize,
        storeIdentifier: TemporaryDirectory.identifier(100)
      ) { _ in }
      let rows = try Store.open(at: target, mapSize: mapSize).rows()
      let added = rows.filter { $0.key.count == 8 && $0.key[5] >= 0x0F }
      #expect(
        added.filter { $0.table == .cards }.map(\.key)
          == added.filter { $0.table == .audit }.map(\.key))
    }
    isDone.append(true)
    writer.join()
  }

  @Test func `a copy never replaces a file`() throws {
    _ = try store.copy(to: backup)
    let before = try contents(of: backup)
    #expect(throws: StorageError.alreadyExists(file: backup)) { try store.copy(to: backup) }
    #expect(try contents(of: backup) == before)
    let own = "\(directory.store)/cards.mdb"
    #expect(throws: StorageError.alreadyExists(file: own)) { try store.copy(to: own) }
  }

  @Test func `a copy that is stopped or has no place leaves no file`() throws {
    #expect(throws: StorageError.cancelled) { try store.copy(to: backup) { done, _ in done == 0 } }
    #expect(!exists(backup) && !exists("\(backup).new"))
    let nowhere = "\(directory.path)/absent/backup.mdb"
    #expect(throws: StorageError(LMDBError(.system(errno: ENOENT), in: .create))) {
      try store.copy(to: nowhere)
    }
  }

  @Test func `a restored store has the copy's contents and an identifier of its own`() throws {
    _ = try store.copy(to: backup)
    try restore { transaction in
      #expect(try transaction.count(of: .cards) == store.count())
      try transaction.put(100_000, in: .keyring)
    }
    let again = try Store.open(at: restored, mapSize: mapSize)
    #expect(again.storeIdentifier == (try TemporaryDirectory.identifier(100)))
    #expect(try again.read { try $0.contains(100_000, in: .keyring) })
    let added = Row(table: .keyring, key: keyBytes(100_000), value: repeated(100_000))
    #expect(try again.rows().filter { $0 != added } == store.rows())
    for file in ["cards.mdb", "cards.mdb-lock"] {
      #expect(directory.mode(of: "../restored/\(file)") == 0o600)
    }
    #expect(!exists("\(restored)/cards.mdb.new") && !exists("\(backup)-lock"))
    try again.write { try $0.put(1) }
    #expect(try again.compact().bytesAfter > 0)
  }

  @Test func `nothing is restored over a store`() throws {
    _ = try store.copy(to: backup)
    try restore()
    #expect(throws: StorageError.alreadyInitialized(directory: restored)) { try restore() }
  }

  @Test func `a restore whose last step fails leaves no store`() throws {
    _ = try store.copy(to: backup)
    #expect(throws: Refusal.self) { try restore { _ in throw Refusal() } }
    #expect(throws: StorageError.notInitialized(directory: restored)) {
      try Store.open(at: restored, mapSize: mapSize)
    }
    #expect(!exists("\(restored)/cards.mdb.new"))
    #expect(throws: StorageError.noRoom(file: "\(restored)/cards.mdb.new", .mapSize)) {
      try restore(mapSize: 256 << 10)
    }
    #expect(!exists("\(restored)/lock"))
    try restore()
  }

  @Test func `a store that does not verify never has its name`() throws {
    _ = try store.copy(to: backup)
    let rows = try store.rows().filter { $0.table != .audit }
    func restore(verify: (Store) throws -> Void) throws {
      try Store.restore(
        from: backup, to: restored, mapSize: mapSize,
        storeIdentifier: TemporaryDirectory.identifier(100), leavingOut: [.audit],
        populate: { try $0.put(100_000, in: .keyring) }, verify: verify)
    }
    #expect(throws: Refusal.self) {
      try restore { new in
        #expect(!exists("\(restored)/cards.mdb"))
        #expect(new.storeIdentifier == (try TemporaryDirectory.identifier(100)))
        #expect(try new.read { try $0.contains(100_000, in: .keyring) })
        throw Refusal()
      }
    }
    #expect(!exists(restored), "a directory that was made for it goes")
    guard unsafe mkdir(restored, 0o700) == 0 else { return }
    #expect(throws: Refusal.self) { try restore { _ in throw Refusal() } }
    #expect(exists(restored) && !exists("\(restored)/cards.mdb.new"))
    try restore { _ in }
    let added = Row(table: .keyring, key: keyBytes(100_000), value: repeated(100_000))
    #expect(
      try Store.open(at: restored, mapSize: mapSize).rows().filter { $0 != added } == rows,
      "without the table that was left out")
  }

  @Test func `a copy is opened for reading and is not changed by it`() throws {
    _ = try store.copy(to: backup)
    let before = try contents(of: backup)
    do {
      let copy = try Store.open(copy: backup)
      #expect(copy.storeIdentifier == store.storeIdentifier)
      #expect(try copy.rows() == store.rows())
      #expect(!copy.indexWasLost)
      #expect(throws: StorageError.system(call: "compact", errno: EROFS)) { try copy.compact() }
    }
    #expect(try contents(of: backup) == before)
    #expect(!exists("\(backup)-lock"))
    try overwrite([UInt8](repeating: 0x41, count: 4096), at: 0)
    #expect(throws: StorageError.damaged(file: backup)) { try Store.open(copy: backup) }
  }

  @Test func `an index that is there is set aside`() throws {
    _ = try store.copy(to: backup)
    try restore()
    do { _ = try Store.open(at: restored, mapSize: mapSize) }
    guard unsafe unlink("\(restored)/cards.mdb") == 0 else { return }
    try Store.restore(
      from: backup, to: restored, mapSize: mapSize,
      storeIdentifier: TemporaryDirectory.identifier(200)
    ) { _ in }
    #expect(try Store.open(at: restored, mapSize: mapSize).index.loss == .foreign)
  }

  @Test(arguments: [0, 1000, 8192, 40_960, -4096])
  func `a copy that was cut off is not restored`(length: Int) throws {
    let result = try store.copy(to: backup)
    let left = length < 0 ? result.fileBytes + length : length
    guard unsafe truncate(backup, left) == 0 else { return }
    #expect(throws: StorageError.truncated(file: backup)) { try restore() }
    #expect(throws: StorageError.truncated(file: backup)) {
      try Store.open(copy: backup)
    }
    #expect(!exists(restored))
  }

  @Test func `a file that is no copy of a store is not restored`() throws {
    #expect(throws: StorageError.system(call: "open", path: backup, errno: ENOENT)) {
      try restore()
    }
    _ = try store.copy(to: backup)
    try overwrite([UInt8](repeating: 0x41, count: 4096), at: 0)
    #expect(throws: StorageError.damaged(file: backup)) { try restore() }
    #expect(!exists(restored))
  }

  @Test func `whichever page of a copy is damaged, it is refused or has every entry`() throws {
    let other = try TemporaryDirectory()
    let store = try other.newStore()
    try store.fillAndDelete(400)
    let result = try store.copy(to: backup)
    let whole = try contents(of: backup)
    // A page in the middle of a long value holds nothing but the value, and has no checksum.
    let rows = try store.rows().map { Row(table: $0.table, key: $0.key, value: []) }
    var refused = 0
    for page in 2..<result.fileBytes / 4096 {
      try overwrite([UInt8](repeating: 0, count: 4096), at: page * 4096)
      do {
        try restore()
        let found = try Store.open(at: restored, mapSize: mapSize).rows()
        #expect(found.map { Row(table: $0.table, key: $0.key, value: []) } == rows)
        unsafe unlink("\(restored)/cards.mdb")
      } catch {
        #expect(error as? StorageError == .damaged(file: backup, page: page))
        refused += 1
      }
      try overwrite(Array(whole[page * 4096..<page * 4096 + 4096]), at: page * 4096)
    }
    #expect(refused > 20)
  }
}
