import Glibc
import Storage
import SystemCalls
import TestSupport
import Testing

/// Damage that has ended writing is known at the next start, also of a file that is too large to be read at
/// each.
@Suite struct DamageMarkTests {
  private static let mapSize = 16 << 20
  private let directory: TemporaryDirectory
  /// A leaf of the cards, and what it holds.
  private let page: Int
  private let leaf: [UInt8]

  init() throws {
    directory = try TemporaryDirectory()
    let store = try directory.newStore(mapSize: Self.mapSize)
    try store.write { (transaction) throws(StorageError) in
      // More leaves than are read in any case.
      for number in 0..<12_000 { try transaction.append(number) }
    }
    let bytes = try fileBytes(of: "\(directory.store)/cards.mdb")
    let key = keyBytes(6_000)
    let found = try #require(
      stride(from: 2 * 4_096, to: bytes.count, by: 4_096).first { start in
        bytes[start + 10] == 2 && bytes[start..<start + 4_096].firstRange(of: key) != nil
      })
    page = found / 4_096
    leaf = Array(bytes[found..<found + 4_096])
  }

  private var file: String { "\(directory.store)/cards.mdb" }
  private var mark: String { "\(file).damaged" }
  private var damage: StorageError { .damaged(file: file, page: page) }

  private func open(isReadOnly: Bool = false) throws(StorageError) -> Store {
    var options = Store.Options(isReadOnly: isReadOnly)
    options.checksWholeUpTo = 0
    return try Store.open(at: directory.store, mapSize: Self.mapSize, options: options)
  }

  private func overwrite(_ bytes: [UInt8]) throws {
    let descriptor = unsafe Glibc.open(file, O_WRONLY | O_CLOEXEC)
    defer { close(descriptor) }
    let count = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(page * 4_096))
    }
    try #require(count == bytes.count)
  }

  /// Serves the store, goes on once it `isOpen`, finds the page, and ends writing for it; with what cause.
  private func serveUntilFound(once isOpen: () throws -> Void = {}) throws -> StorageError? {
    let store = try open()
    try isOpen()
    let end = WriterEnd()
    try end.startWriter(of: store)
    do throws(StorageError) {
      _ = try store.readPages(of: .cards)
      Issue.record("the page was not met")
    } catch { store.endWriting(because: error) }
    let cause = end.wait()
    store.stopWriter()
    return cause
  }

  @Test func `a start refuses until the file is whole again`() throws {
    try overwrite([UInt8](repeating: 0, count: 4_096))
    // Nothing is known of it yet.
    _ = try open()
    #expect(try serveUntilFound() == damage)
    #expect(String(decoding: try fileBytes(of: mark), as: UTF8.self) == "page=\(page)\n")
    #expect(directory.mode(of: "cards.mdb.damaged") == 0o600)
    for isReadOnly in [false, true, false] {
      #expect(throws: damage) { try open(isReadOnly: isReadOnly) }
    }
    try overwrite(leaf)
    // Who only reads removes nothing.
    _ = try open(isReadOnly: true)
    #expect(directory.exists("cards.mdb.damaged"))
    _ = try open()
    #expect(!directory.exists("cards.mdb.damaged"))
    // From now on it is opened as before.
    try overwrite([UInt8](repeating: 0, count: 4_096))
    _ = try open()
  }

  /// Gives what is no mark its name: the file that was moved out of the way, and others.
  private enum Other: CaseIterable {
    case store, text, longText, link, directory, pipe
  }

  private func put(_ other: Other) throws {
    switch other {
    case .store: try #require(unsafe rename(file, mark) == 0)
    case .text: try write("page=17 and more\n")
    case .longText: try write("page=\(String(repeating: "1", count: 100))\n")
    case .link:
      try write("file\n", to: "\(directory.path)/elsewhere")
      try #require(unsafe symlink("\(directory.path)/elsewhere", mark) == 0)
    case .directory: try #require(unsafe mkdir(mark, 0o700) == 0)
    case .pipe: try #require(unsafe mkfifo(mark, 0o600) == 0)
    }
  }

  private func write(_ text: String, to path: String? = nil) throws {
    let descriptor = unsafe Glibc.open(path ?? mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    try writeAll(Array(text.utf8), to: descriptor)
  }

  private func inode() throws -> UInt64 {
    var status = stat()
    try #require(unsafe lstat(mark, &status) == 0)
    return UInt64(status.st_ino)
  }

  @Test(arguments: Other.allCases)
  private func `what only has its name is neither read as one nor removed`(_ other: Other) throws {
    let copy = "\(directory.path)/copy"
    do { _ = try open().copy(to: copy) }
    try put(other)
    let before = try inode()
    if other == .store {
      try Store.restore(
        from: copy, to: directory.store, mapSize: Self.mapSize,
        storeIdentifier: TemporaryDirectory.identifier(9), populate: { _ in })
      #expect(try inode() == before)
    }
    _ = try open()
    #expect(try inode() == before)
    try overwrite([UInt8](repeating: 0, count: 4_096))
    // A mark would have had the page found.
    _ = try open()
    #expect(try serveUntilFound() == damage)
    #expect(try inode() == before)
    #expect(DamageMark.obstacle(in: directory.store) == mark)
    #expect(try !Directory.names(in: directory.store).contains { $0.hasSuffix(".draft") })
  }

  @Test(arguments: ["", "file\n", "page=17\n"])
  func `whatever a mark says, it is one`(text: String) throws {
    try write(text)
    #expect(DamageMark.obstacle(in: directory.store) == nil)
    try overwrite([UInt8](repeating: 0, count: 4_096))
    #expect(throws: damage) { try open() }
    try overwrite(leaf)
    _ = try open()
    #expect(!directory.exists("cards.mdb.damaged"))
  }

  @Test func `a mark that cannot be left changes nothing else`() throws {
    let cause = try serveUntilFound {
      try overwrite([UInt8](repeating: 0, count: 4_096))
      // Where something else has its name.
      try #require(unsafe mkdir(mark, 0o700) == 0 && mkdir("\(mark)/full", 0o700) == 0)
    }
    #expect(cause == damage)
    #expect(try !Directory.names(in: directory.store).contains { $0.hasSuffix(".draft") })
  }

  @Test func `a restored store has none`() throws {
    let copy = "\(directory.path)/copy"
    do { _ = try open().copy(to: copy) }
    try overwrite([UInt8](repeating: 0, count: 4_096))
    #expect(try serveUntilFound() == damage)
    try #require(unsafe unlink(file) == 0)
    try Store.restore(
      from: copy, to: directory.store, mapSize: Self.mapSize,
      storeIdentifier: TemporaryDirectory.identifier(9), populate: { _ in })
    #expect(!directory.exists("cards.mdb.damaged"))
    #expect(try open().count() == 12_000)
  }
}
