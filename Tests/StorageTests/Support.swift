import Bytes
import Glibc
import Storage
import Synchronization
import TestSupport

extension TemporaryDirectory {
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
    try put(key: key.rawSpan, value: value.rawSpan, in: table)
  }

  mutating func append(_ number: Int, valueBytes: Int = 161) throws(StorageError) {
    let key = keyBytes(number)
    let value = repeated(number, valueBytes)
    try append(key: key.rawSpan, value: value.rawSpan, in: .cards)
  }

  mutating func delete(_ number: Int, in table: Table = .cards) throws(StorageError) -> Bool {
    let key = keyBytes(number)
    return try delete(key.rawSpan, in: table)
  }
}

extension StoreReading where Self: ~Copyable {
  func contains(_ number: Int, in table: Table = .cards) throws(StorageError) -> Bool {
    let key = keyBytes(number)
    return try contains(key.rawSpan, in: table)
  }
}

extension Store {
  func count(of table: Table = .cards) throws -> Int { try read { try $0.count(of: table) } }
}

/// A job made of a closure, which remembers its result.
final class Job: WriteJob {
  let admission: Admission
  private let body: @Sendable (inout StoreWriteTransaction) throws -> Void
  private let results = Mutex<[Result<Void, AnyFailure>]>([])
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

  func apply(_ transaction: inout StoreWriteTransaction) throws(AnyFailure) {
    do { try body(&transaction) } catch { throw AnyFailure(error) }
  }

  func complete(_ result: Result<Void, AnyFailure>) {
    results.withLock { $0.append(result) }
    completion()
  }

  /// How many times the job was completed: it has to be once.
  var completions: Int { results.withLock { $0.count } }

  var succeeded: Bool {
    results.withLock { if case .success = $0.first { true } else { false } }
  }

  var error: (any Error)? {
    results.withLock { if case .failure(let failure) = $0.first { failure.error } else { nil } }
  }

  var storageError: StorageError? { error as? StorageError }
}

/// The end of a store's writing, and why it came.
final class WriterEnd: Sendable {
  private let cause = Mutex<StorageError?>(nil)
  private let ended = Gate()

  /// Starts the writer of `store`.
  func startWriter(of store: Store) throws {
    try store.startWriter { [self] error in
      cause.withLock { $0 = error }
      ended.open()
    }
  }

  /// Waits for the end, once.
  func wait() -> StorageError? {
    ended.wait()
    return cause.withLock { $0 }
  }
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
