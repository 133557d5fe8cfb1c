import Glibc
import Storage
import Synchronization
import TestSupport
import Testing

/// A store whose file somebody takes away, or replaces, while it is open.
@Suite(.timeLimit(.minutes(5))) struct MovedFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var file: String { "\(directory.store)/cards.mdb" }

  private func move(_ file: String, to name: String) throws {
    guard unsafe rename(file, name) == 0 else {
      throw StorageError.system(call: "rename", errno: errno)
    }
  }

  /// The file, with all that was acknowledged.
  private func bytes(of store: Store) throws -> [UInt8] {
    _ = try store.count()
    let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    try #require(count == bytes.count && count > 0)
    return bytes
  }

  private func overwrite(with bytes: [UInt8]) throws {
    let descriptor = unsafe open(file, O_WRONLY | O_CLOEXEC)
    defer { close(descriptor) }
    let count = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
    }
    try #require(count == bytes.count)
  }

  enum Act: CaseIterable { case remove, rename, replace }

  private func take(_ act: Act) throws {
    switch act {
    case .remove: unsafe unlink(file)
    case .rename: try move(file, to: "\(file).before")
    case .replace:
      let other = try Store.open(at: directory.store + "2", mapSize: 8 << 20)
      _ = try other.copy(to: "\(directory.path)/copy")
      try move("\(directory.path)/copy", to: file)
    }
  }

  @Test func `writing ends where an older file was written over it`() throws {
    let store = try directory.newStore()
    let causes = Mutex<[StorageError]>([])
    try store.startWriter { cause in causes.withLock { $0.append(cause) } }
    try store.perform { try $0.put(0) }
    let older = try bytes(of: store)
    try store.perform { try $0.put(1) }
    _ = try store.count()
    try overwrite(with: older)
    #expect(throws: StorageError.writingEnded) {
      try store.perform { (transaction) throws(StorageError) in try transaction.put(2) }
    }
    store.stopWriter()
    #expect(causes.withLock { $0 } == [.fileReplaced(file: file)])
  }

  @Test func `an older file that was written over it is noticed while nothing is written`() throws {
    let store = try directory.newStore()
    let end = WriterEnd()
    try end.startWriter(of: store)
    try store.perform { try $0.put(0) }
    let older = try bytes(of: store)
    try store.perform { try $0.put(1) }
    _ = try store.count()
    try overwrite(with: older)
    #expect(end.wait() == .fileReplaced(file: file))
    store.stopWriter()
  }

  @Test(arguments: Act.allCases)
  func `writing ends where the name does not lead to the file any more`(_ act: Act) throws {
    let store = try directory.newStore()
    try Store.create(
      at: directory.store + "2", mapSize: 8 << 20, storeIdentifier: TemporaryDirectory.identifier(2)
    )
    let causes = Mutex<[StorageError]>([])
    try store.startWriter { cause in causes.withLock { $0.append(cause) } }
    try store.perform { try $0.put(0) }
    try take(act)
    var stored = 0
    let end = #expect(throws: StorageError.self) {
      // It is looked at ten times a second, and each of these waits for the disk.
      while stored < 1_000_000 {
        let number = stored + 1
        try store.perform { (transaction) throws(StorageError) in try transaction.put(number) }
        stored = number
      }
    }
    #expect(end == .writingEnded)
    store.stopWriter()
    #expect(causes.withLock { $0 } == [.fileReplaced(file: file)])
    // What LMDB does not have stands in a journal that nobody follows here any more.
    let count = try? store.count()
    #expect(count == nil || count == stored + 1)
  }

  @Test func `a compaction, which replaces the file itself, ends nothing`() throws {
    let store = try directory.newStore()
    try store.startWriter { Issue.record("writing ended: \($0)") }
    let end = ContinuousClock.now + .milliseconds(300)
    var number = 0
    repeat {
      number += 1
      let next = number
      try store.perform { (transaction) throws(StorageError) in try transaction.put(next) }
      if number.isMultiple(of: 5) { _ = try store.compact() }
    } while ContinuousClock.now < end
    #expect(try store.count() == number)
    store.stopWriter()
  }

  @Test func `an index that has lost its name, or its end, is not in its place`() throws {
    let store = try directory.newStore()
    let index = try store.index
    let path = "\(directory.store)/index.mdb"
    #expect(index.isInPlace)
    try move(path, to: "\(path).before")
    #expect(!index.isInPlace)
    try move("\(path).before", to: path)
    #expect(index.isInPlace)
    try directory.truncate("index.mdb", to: 2 * 4_096)
    #expect(!index.isInPlace)
  }
}
