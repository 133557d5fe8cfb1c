import AuditLog
import Bytes
import Glibc
import Storage
import TestSupport

/// A fresh store in a directory that goes with the value.
final class TemporaryStore {
  let store: Store
  private let folder: TemporaryDirectory
  private let directory: String

  init() throws {
    guard let identifier = StoreIdentifier(Array(1...16)) else {
      throw Missing(what: "an identifier")
    }
    folder = try TemporaryDirectory()
    directory = folder.path
    try Store.create(at: directory, mapSize: 1 << 26, storeIdentifier: identifier)
    store = try Store.open(at: directory, mapSize: 1 << 26)
  }

  /// Appends `count` entries in one batch.
  func append(_ count: Int, to log: AuditLog, atMilliseconds: Int64 = Sample.time) throws {
    let first = log.pendingSize
    try append(
      (0..<UInt64(count)).map { Sample.entry(first + $0) }, to: log, atMilliseconds: atMilliseconds)
  }

  /// Appends `entries` in one batch.
  func append(_ entries: [AuditEntry], to log: AuditLog, atMilliseconds: Int64) throws {
    try store.write { transaction in
      for entry in entries {
        try log.append(entry, atMilliseconds: atMilliseconds, in: &transaction)
      }
      try log.batchWillCommit(&transaction)
    }
    log.batchDidCommit()
  }

  func put(_ key: [UInt8], _ value: [UInt8], in table: Table) throws {
    try store.write { transaction in
      try transaction.put(
        key: key.rawSpan, value: value.rawSpan, in: table)
    }
  }

  func delete(_ key: [UInt8], in table: Table) throws {
    try store.write { transaction in
      _ = try transaction.delete(key.rawSpan, in: table)
    }
  }

  func value(_ key: [UInt8], in table: Table) throws -> [UInt8] {
    try store.read { transaction in
      guard let value = try transaction.get(key.rawSpan, in: table) else { return [] }
      return value.array
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
      actor: "spiffe://shop.example/checkout", operation: .tokenize, merchant: "shop",
      token: "tok_\(number)", outcome: number % 2 == 0 ? .created : .existing,
      requestIdentifier: "req-\(number)")
  }
}
