import Bytes
import Glibc
import Storage
import Synchronization
import SystemCalls
import TestSupport

/// An entry of a table, copied.
struct Row: Equatable {
  let table: Table
  let key: [UInt8]
  let value: [UInt8]
}

extension StoreReading where Self: ~Copyable {
  /// Every entry of every table, but for what a restore or a writer changes: the store's identifier, its
  /// format, and how far LMDB is behind the journal.
  func rows() throws -> [Row] {
    var rows: [Row] = []
    for table in Table.allCases {
      try forEach(in: table) { key, value in
        let row = Row(
          table: table, key: key.array,
          value: value.array)
        let name = String(decoding: row.key, as: UTF8.self)
        if !["store", "format", "journal"].contains(name) { rows.append(row) }
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
