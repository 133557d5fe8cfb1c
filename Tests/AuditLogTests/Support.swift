import AuditLog
import Glibc
import Storage

/// A fresh store in a directory that goes with the value.
final class TemporaryStore {
  let store: Store
  private let directory: String

  init() throws {
    var template = Array("/tmp/cadenas-audit-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
    }
    guard made, let identifier = StoreIdentifier(Array(1...16)) else {
      throw StorageError.system(call: "mkdtemp", errno: errno)
    }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try Store.create(at: directory, mapSize: 1 << 26, storeIdentifier: identifier)
    store = try Store.open(at: directory, mapSize: 1 << 26)
  }

  deinit {
    for name in ["cards.mdb", "cards.mdb-lock", "index.mdb", "index.mdb-lock", "lock"] {
      unsafe unlink("\(directory)/\(name)")
    }
    unsafe rmdir(directory)
  }

  /// Appends `count` entries in one batch.
  func append(_ count: Int, to log: AuditLog, atMilliseconds: Int64 = Sample.time) throws {
    try store.write { transaction in
      for _ in 0..<count {
        try log.append(
          Sample.entry(log.pendingSize), atMilliseconds: atMilliseconds, in: &transaction)
      }
      try log.batchWillCommit(&transaction)
    }
    log.batchDidCommit()
  }

  func put(_ key: [UInt8], _ value: [UInt8], in table: Table) throws {
    try store.write { transaction in
      try transaction.put(
        key: unsafe key.span.bytes, value: unsafe value.span.bytes, in: table)
    }
  }

  func delete(_ key: [UInt8], in table: Table) throws {
    try store.write { transaction in
      _ = try transaction.delete(unsafe key.span.bytes, in: table)
    }
  }

  func value(_ key: [UInt8], in table: Table) throws -> [UInt8] {
    try store.read { transaction in
      guard let value = try transaction.get(unsafe key.span.bytes, in: table) else { return [] }
      return unsafe value.withUnsafeBytes { unsafe Array($0) }
    }
  }

  func line(_ sequence: UInt64) throws -> String {
    String(decoding: try value(sequence.bigEndianBytes, in: .audit), as: UTF8.self)
  }
}

enum Sample {
  /// 2026-11-23T18:43:25.123Z
  static let time: Int64 = 1_795_459_405_123

  static func entry(_ number: UInt64) -> AuditEntry {
    AuditEntry(
      actor: "spiffe://shop.example/checkout", operation: "tokenize", merchant: "shop",
      token: "tok_\(number)", outcome: number % 2 == 0 ? "created" : "existing",
      requestIdentifier: "req-\(number)")
  }
}
