internal import Bytes
package import Storage

/// The signed checkpoints that a store keeps: rows of `checkpoints`, size (8 bytes, big-endian) → the
/// note.
///
/// The newest is always there. Of the older ones those stay that were asked for, the last before each
/// change of the signing key, and one an hour.
package enum KeptCheckpoints {
  /// After every checkpoint and before every ``TreeNode``.
  private static let afterAll: [UInt8] = [1]

  static func save(
    _ signed: SignedCheckpoint, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let row = Row(signed)
    try transaction.put(
      key: row.size.bigEndianBytes.rawSpan, value: row.note.rawSpan, in: .checkpoints)
  }

  static func remove(
    _ size: UInt64, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    try transaction.delete(size.bigEndianBytes.rawSpan, in: .checkpoints)
  }

  /// The newest; nil where none was signed yet.
  /// - Throws: ``AuditError/store(_:)``, ``AuditError/malformedNote(_:)``.
  package static func newest(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> SignedCheckpoint? {
    try last(before: afterAll, in: transaction)
  }

  /// The newest of those that cover at most `size` entries.
  /// - Throws: ``AuditError/store(_:)``, ``AuditError/malformedNote(_:)``.
  package static func newest(
    upTo size: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> SignedCheckpoint? {
    try last(before: size.bigEndianBytes, in: transaction)
  }

  private static func last(
    before key: [UInt8], in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> SignedCheckpoint? {
    var newest: SignedCheckpoint?
    try transaction.forEach(in: .checkpoints, from: key.rawSpan, reversed: true) {
      (_, note) throws(AuditError) in
      newest = try SignedCheckpoint(parsing: note.array)
      return false
    }
    return newest
  }

  /// A row, as it stands there.
  package struct Row: Sendable {
    /// The key: how many entries the checkpoint covers.
    package let size: UInt64
    /// The value: the note.
    package let note: [UInt8]

    /// A note and what it is said to cover.
    package init(size: UInt64, note: [UInt8]) {
      self.size = size
      self.note = note
    }

    /// The row of a checkpoint.
    package init(_ signed: SignedCheckpoint) {
      self.init(size: signed.size, note: Array(signed.note.encoded.utf8))
    }
  }

  /// Up to `limit` rows from the size `start` on, in their order.
  /// - Throws: ``AuditError/store(_:)``.
  package static func rows(
    from start: UInt64 = 0, limit: Int, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> [Row] {
    var rows: [Row] = []
    try transaction.forEach(in: .checkpoints, from: start.bigEndianBytes.rawSpan) {
      (key, note) throws(AuditError) in
      guard rows.count < limit, let size = UInt64(bigEndianBytes: key) else { return false }
      rows.append(Row(size: size, note: note.array))
      return true
    }
    return rows
  }
}
