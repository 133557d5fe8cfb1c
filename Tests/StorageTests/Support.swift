import Glibc
import LMDB
import Storage
import Synchronization

/// A fresh directory that goes with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/cadenas-storage-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
    }
    guard made else { throw StorageError.system(call: "mkdtemp", errno: errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    guard let stream = unsafe opendir(path) else {
      unsafe unlink(path)
      return
    }
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { remove("\(path)/\(name)") }
    }
    unsafe closedir(stream)
    unsafe rmdir(path)
  }

  var store: String { "\(path)/store" }

  static func identifier(_ first: UInt8 = 1) throws -> StoreIdentifier {
    guard let identifier = StoreIdentifier(Array(first..<first + 16)) else {
      throw StorageError.stopped
    }
    return identifier
  }

  func newStore(mapSize: Int = 8 << 20) throws -> Store {
    try Store.create(at: store, mapSize: mapSize, storeIdentifier: Self.identifier())
    return try Store.open(at: store, mapSize: mapSize)
  }

  func exists(_ file: String) -> Bool { unsafe access("\(store)/\(file)", F_OK) == 0 }

  func mode(of file: String) -> UInt32 {
    var status = stat()
    return unsafe stat("\(store)/\(file)", &status) == 0 ? status.st_mode & 0o777 : 0
  }

  /// Replaces the file by `bytes`.
  func replace(_ file: String, by bytes: [UInt8]) throws {
    let descriptor = unsafe open("\(store)/\(file)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    let written = unsafe bytes.withUnsafeBytes {
      unsafe write(descriptor, $0.baseAddress, $0.count)
    }
    guard written == bytes.count else { throw StorageError.system(call: "write", errno: errno) }
  }

  func truncate(_ file: String, to bytes: Int) throws {
    guard unsafe Glibc.truncate("\(store)/\(file)", bytes) == 0 else {
      throw StorageError.system(call: "truncate", errno: errno)
    }
  }
}

/// The big-endian bytes of `number`: keys that sort like numbers.
func keyBytes(_ number: Int) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}

/// The value that tests put under `number`.
func repeated(_ number: Int, _ count: Int = 161) -> [UInt8] {
  [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
}

extension StoreWriteTransaction {
  mutating func put(
    _ number: Int, valueBytes: Int = 161, in table: Table = .cards, options: PutOptions = []
  ) throws(StorageError) {
    let key = keyBytes(number)
    let value = repeated(number, valueBytes)
    try put(
      key: unsafe key.span.bytes, value: unsafe value.span.bytes, in: table, options: options)
  }

  mutating func delete(_ number: Int, in table: Table = .cards) throws(StorageError) -> Bool {
    let key = keyBytes(number)
    return try delete(unsafe key.span.bytes, in: table)
  }
}

extension StoreReading where Self: ~Copyable {
  func contains(_ number: Int, in table: Table = .cards) throws(StorageError) -> Bool {
    let key = keyBytes(number)
    return try contains(unsafe key.span.bytes, in: table)
  }
}

extension Store {
  func count(of table: Table = .cards) throws -> Int { try read { try $0.count(of: table) } }
}

/// A job made of a closure, which remembers its result.
final class Job: WriteJob {
  let admission: Admission
  private let body: @Sendable (inout StoreWriteTransaction) throws -> Void
  private let results = Mutex<[Result<Void, any Error>]>([])
  private let completion: @Sendable () -> Void

  init(
    _ admission: Admission = .ordinary,
    completion: @escaping @Sendable () -> Void = {},
    _ body: @escaping @Sendable (inout StoreWriteTransaction) throws -> Void
  ) {
    self.admission = admission
    self.completion = completion
    self.body = body
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws { try body(&transaction) }

  func complete(_ result: Result<Void, any Error>) {
    results.withLock { $0.append(result) }
    completion()
  }

  /// How many times the job was completed: it has to be once.
  var completions: Int { results.withLock { $0.count } }

  var succeeded: Bool {
    results.withLock { if case .success = $0.first { true } else { false } }
  }

  var error: (any Error)? {
    results.withLock { if case .failure(let error) = $0.first { error } else { nil } }
  }

  var storageError: StorageError? { error as? StorageError }
}

/// A door that threads wait at until it is opened, made of a pipe.
final class Gate: Sendable {
  private let reading: Int32
  private let writing: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    let status = unsafe ends.withUnsafeMutableBufferPointer { unsafe pipe($0.baseAddress) }
    precondition(status == 0, "no pipe")
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  func open() {
    var byte: UInt8 = 1
    _ = unsafe write(writing, &byte, 1)
  }

  /// Waits for one `open()`.
  func wait() {
    var byte: UInt8 = 0
    while unsafe read(reading, &byte, 1) < 0 && errno == EINTR {}
  }
}

/// Occupies the writer until it is released, so that what is submitted meanwhile waits together.
final class Blocker: Sendable {
  private let entered = Gate()
  private let release = Gate()

  /// Returns when the writer is occupied.
  init(_ store: Store) {
    let job = Job(.reserved) { [entered, release] _ in
      entered.open()
      release.wait()
    }
    store.submit(job)
    entered.wait()
  }

  func open() { release.open() }
}

extension Store {
  /// Submits `jobs` so that they are one batch, and returns when all are completed.
  func commitTogether(_ jobs: [Job]) {
    let blocker = Blocker(self)
    for job in jobs { submit(job) }
    blocker.open()
    drain()
  }

  /// Returns when everything that was submitted before is completed.
  func drain() {
    let done = Gate()
    submit(Job(.reserved, completion: { done.open() }) { _ in })
    done.wait()
  }
}

/// An entry of a table, copied.
struct Row: Equatable {
  let table: Table
  let key: [UInt8]
  let value: [UInt8]
}

extension StoreReading where Self: ~Copyable {
  /// Every entry of every table, but for the store's own identifier, which a restore changes.
  func rows() throws -> [Row] {
    var rows: [Row] = []
    for table in Table.allCases {
      try forEach(in: table) { key, value in
        let row = Row(
          table: table, key: unsafe key.withUnsafeBytes { unsafe Array($0) },
          value: unsafe value.withUnsafeBytes { unsafe Array($0) })
        if row.key != Array("store".utf8) { rows.append(row) }
        return true
      }
    }
    return rows
  }
}

extension Store {
  /// Every entry, but for the store's identifier.
  func rows() throws -> [Row] { try read { try $0.rows() } }

  /// Puts entries of many sizes into every table, and deletes most of them: what is left is spread
  /// over pages that hold deleted bytes too.
  func fillAndDelete(_ count: Int = 2000) throws {
    try write { transaction in
      for table in Table.allCases {
        for number in 0..<count {
          try transaction.put(number, valueBytes: 1 + number % 700, in: table)
        }
      }
      try transaction.put(count, valueBytes: 100_000, in: .audit)
    }
    try write { transaction in
      for table in Table.allCases {
        for number in 0..<count where number % 10 != 0 {
          _ = try transaction.delete(number, in: table)
        }
      }
    }
  }
}

/// A thread that runs a closure once, and can be waited for.
final class TestThread: Sendable {
  private let worker: WorkerThread

  init(_ body: @escaping @Sendable () -> Void) throws {
    worker = try WorkerThread(named: "test", body)
  }

  func join() { worker.join() }
}

/// What a test's threads gather.
final class Collected<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])
  func append(_ element: Element) { list.withLock { $0.append(element) } }
  var elements: [Element] { list.withLock { $0 } }
}

/// The bytes of a file.
func contents(of path: String) throws -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw StorageError.system(call: "open", errno: errno) }
  defer { close(descriptor) }
  var status = stat()
  guard unsafe fstat(descriptor, &status) == 0 else {
    throw StorageError.system(call: "fstat", errno: errno)
  }
  var bytes = [UInt8](repeating: 0, count: status.st_size)
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
  }
  guard count == bytes.count else { throw StorageError.system(call: "pread", errno: errno) }
  return bytes
}

/// True when `bytes` stand anywhere in `file`.
func occurs(_ bytes: [UInt8], in file: [UInt8]) -> Bool {
  unsafe file.withUnsafeBytes { file in
    unsafe bytes.withUnsafeBytes { bytes in
      guard let start = file.baseAddress, let wanted = bytes.baseAddress else { return false }
      var offset = 0
      while offset + bytes.count <= file.count {
        let left = file.count - bytes.count - offset + 1
        guard let found = unsafe memchr(start + offset, Int32(bytes[0]), left) else { return false }
        if unsafe memcmp(found, wanted, bytes.count) == 0 { return true }
        unsafe offset = UnsafeRawPointer(found) - start + 1
      }
      return false
    }
  }
}
