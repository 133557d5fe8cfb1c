import Glibc
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
    _ number: Int, valueBytes: Int = 161, in table: Table = .cards
  ) throws(StorageError) {
    let key = keyBytes(number)
    let value = repeated(number, valueBytes)
    try put(key: unsafe key.span.bytes, value: unsafe value.span.bytes, in: table)
  }

  mutating func append(_ number: Int, valueBytes: Int = 161) throws(StorageError) {
    let key = keyBytes(number)
    let value = repeated(number, valueBytes)
    try append(key: unsafe key.span.bytes, value: unsafe value.span.bytes, in: .cards)
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
