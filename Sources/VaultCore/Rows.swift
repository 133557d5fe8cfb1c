package import AuditLog
import Bytes
package import Storage

// Rows of `meta`, with the vault's error.

extension StoreReading where Self: ~Copyable {
  /// A copy of the row under `key`; nil where there is none.
  package func row(_ key: [UInt8]) throws(VaultError) -> [UInt8]? {
    do throws(StorageError) {
      return try get(key.rawSpan, in: .meta)?.array
    } catch { throw .store(error) }
  }

  /// Calls `body` with each row whose key begins with `prefix`, and the whole key.
  package func forEachRow(
    _ prefix: [UInt8], _ body: (_ key: [UInt8], _ row: RawSpan) throws(VaultError) -> Void
  ) throws(VaultError) {
    try forEach(in: .meta, from: prefix.rawSpan) { (key, row) throws(VaultError) in
      guard key.starts(with: prefix) else { return false }
      try body(key.array, row)
      return true
    }
  }
}

extension StoreReading where Self: ~Copyable {
  /// The entry of the log with this sequence; nil where there is none, or none that can be read.
  package func logged(_ sequence: UInt64) throws(VaultError) -> LoggedEntry? {
    let key = sequence.bigEndianBytes
    do throws(StorageError) {
      guard let line = try get(key.rawSpan, in: .audit) else { return nil }
      return LoggedEntry(line: line)
    } catch { throw .store(error) }
  }
}

extension StoreWriteTransaction {
  /// Puts a row under `key`, in the place of the one before.
  package mutating func putRow(_ row: [UInt8], at key: [UInt8]) throws(VaultError) {
    try onStore(put(key: key.rawSpan, value: row.rawSpan, in: .meta))
  }

  /// Removes the row under `key`; false where there was none.
  @discardableResult
  package mutating func removeRow(_ key: [UInt8]) throws(VaultError) -> Bool {
    try onStore(delete(key.rawSpan, in: .meta))
  }
}
