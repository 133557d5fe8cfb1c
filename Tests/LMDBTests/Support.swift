import Bytes
import Glibc
import LMDB
import TestSupport

extension TemporaryDirectory {
  var file: String { "\(path)/data.mdb" }

  func environment(
    mapSize: Int = 4 << 20, isReadOnly: Bool = false, creates: Bool = true
  ) throws(LMDBError) -> Environment {
    var options = Environment.Options(mapSize: mapSize)
    options.isReadOnly = isReadOnly
    options.creates = creates
    return try Environment(path: file, options: options)
  }

  var fileBytes: Int {
    var status = stat()
    return unsafe stat(file, &status) == 0 ? status.st_size : -1
  }

  /// Bytes for which the file has blocks, written or not.
  var allocatedBytes: Int {
    var status = stat()
    return unsafe stat(file, &status) == 0 ? Int(status.st_blocks) * 512 : -1
  }

  var fileMode: UInt32 {
    var status = stat()
    return unsafe stat(file, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  func truncate(to bytes: Int) throws {
    guard unsafe Glibc.truncate(file, bytes) == 0 else {
      throw LMDBError(code: errno, in: .inspect)
    }
  }

  /// Leaves a file of two databases behind, `words` and `empty`: three levels of pages, free ones, and
  /// values on overflow pages. Returns the file's bytes.
  func makeDeepFile() throws -> [UInt8] {
    do {
      let environment = try environment(mapSize: 16 << 20)
      let words = try environment.openDatabase("words", creating: true)
      _ = try environment.openDatabase("empty", creating: true)
      try environment.write { transaction in
        for number in 0..<20_000 { try transaction.put("key \(number)", "value", in: words) }
        for number in 0..<3 {
          try transaction.put("long \(number)", String(repeating: "v", count: 20_000), in: words)
        }
      }
      try environment.write { transaction in
        for number in 0..<5000 { _ = try transaction.delete("key \(number)", in: words) }
      }
    }
    return try bytes(at: 0, count: fileBytes)
  }

  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let descriptor = unsafe open(file, O_RDONLY)
    defer { close(descriptor) }
    let read = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
    guard read == count else { throw LMDBError(code: errno, in: .inspect) }
    return bytes
  }

  func overwrite(_ bytes: [UInt8], at offset: Int) throws {
    let descriptor = unsafe open(file, O_WRONLY)
    defer { close(descriptor) }
    let written = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset)
    }
    guard written == bytes.count else { throw LMDBError(code: errno, in: .inspect) }
  }
}

extension [UInt8] {
  init(copying bytes: RawSpan) { self = bytes.array }
}

extension Transaction where Self: ~Copyable {
  func value(_ key: String, in database: Database) throws(LMDBError) -> String? {
    let key = Array(key.utf8)
    guard let found = try get(key.rawSpan, in: database) else { return nil }
    return String(decoding: found.array, as: UTF8.self)
  }
}

extension Environment {
  /// Lends a snapshot to `body`.
  func read<R: ~Copyable, E: Error>(
    _ body: (borrowing ReadTransaction) throws(E) -> R
  ) throws(E) -> R {
    try body(beginReadOrFail())
  }

  /// Lends the writing transaction to `body`; commits when it returns, aborts when it throws.
  func write<R: ~Copyable>(_ body: (inout WriteTransaction) throws -> R) throws -> R {
    var transaction = try beginWrite()
    let result = try body(&transaction)
    try transaction.commit()
    return result
  }
}

extension Transaction where Self: ~Copyable {
  func contains(_ key: RawSpan, in database: Database) throws(LMDBError) -> Bool {
    try get(key, in: database) != nil
  }

  /// Calls `body` with each entry from `start` on, until it returns false.
  func forEach(
    in database: Database, from start: RawSpan? = nil, reversed: Bool = false,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> Bool
  ) throws {
    var cursor = try cursor(in: database)
    guard var entry = try cursor.start(from: start, reversed: reversed) else { return }
    while try body(entry.key, entry.value) {
      guard let following = reversed ? try cursor.previous() : try cursor.next() else { return }
      entry = following
    }
  }
}

extension WriteTransaction {
  mutating func put(
    _ key: String, _ value: String, in database: Database, appends: Bool = false
  ) throws(LMDBError) {
    let key = Array(key.utf8)
    let value = Array(value.utf8)
    try put(key: key.rawSpan, value: value.rawSpan, in: database, appends: appends)
  }

  mutating func delete(_ key: String, in database: Database) throws(LMDBError) -> Bool {
    let key = Array(key.utf8)
    return try delete(key.rawSpan, in: database)
  }
}
