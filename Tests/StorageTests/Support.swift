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

  deinit { remove(path) }

  private func remove(_ path: String) {
    if let stream = unsafe opendir(path) {
      while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
          unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != "." && name != ".." { remove("\(path)/\(name)") }
      }
      unsafe closedir(stream)
      unsafe rmdir(path)
    } else {
      unsafe unlink(path)
    }
  }

  static let identifier = StoreIdentifier(Array(1...16))

  func newStore(mapSize: Int) throws -> Store {
    guard let identifier = Self.identifier else { throw StorageError.stopped }
    try Store.create(at: "\(path)/store", mapSize: mapSize, storeIdentifier: identifier)
    return try Store.open(at: "\(path)/store", mapSize: mapSize)
  }
}

/// The big-endian bytes of `number`, as keys that sort like numbers.
func keyBytes(_ number: Int) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}

/// Puts one value, and remembers its result.
final class PutJob: WriteJob {
  let admission: Admission
  let key: Int
  let valueBytes: Int
  private let result = Mutex<Result<Void, any Error>?>(nil)

  init(key: Int, valueBytes: Int = 161, admission: Admission = .ordinary) {
    self.key = key
    self.valueBytes = valueBytes
    self.admission = admission
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    let key = keyBytes(key)
    let value = [UInt8](repeating: 7, count: valueBytes)
    try transaction.put(key: unsafe key.span.bytes, value: unsafe value.span.bytes, in: .cards)
  }

  func complete(_ result: Result<Void, any Error>) { self.result.withLock { $0 = result } }

  var succeeded: Bool {
    result.withLock { if case .success = $0 { true } else { false } }
  }

  var error: StorageError? {
    result.withLock { if case .failure(let error) = $0 { error as? StorageError } else { nil } }
  }
}
