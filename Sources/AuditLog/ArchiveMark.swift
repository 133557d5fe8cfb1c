internal import Bytes
package import Cryptography
internal import JSON
package import Storage

/// How far a store's log is archived: the lines of clients' operations before a sequence are in an
/// export, and not in the store any more.
///
/// Their hashes stay, and so does every line about anything but a client's operation: what happened to
/// keys, and who did what, remains at hand. The latest mark is the value of `audit.archived` in `meta`,
/// and, which is what counts for whoever verifies, the reason of the entry `audit.archive` that was
/// written with it: `below=N kept=N digest=HEX created=N deleted=N export=HEX`.
package struct ArchiveMark: Equatable, Sendable {
  private static let row = Array("audit.archived".utf8)

  /// The first sequence whose entry is not archived; the size of a checkpoint that is kept.
  package let below: UInt64
  /// The lines before it that stay.
  package let kept: KeptLines
  /// Cards that the entries before it tell were created.
  package let created: UInt64
  /// Cards that they tell were deleted.
  package let deleted: UInt64
  /// SHA-256 of the file `entries.jsonl` of the export that they are in.
  package let export: Digest256

  /// Describes what is archived.
  package init(
    below: UInt64, kept: KeptLines, created: UInt64, deleted: UInt64, export: Digest256
  ) {
    self.below = below
    self.kept = kept
    self.created = created
    self.deleted = deleted
    self.export = export
  }

  /// At most 254 bytes, so that an entry holds it whole.
  package var text: String {
    "below=\(below) kept=\(kept.count) digest=\(kept.digest.hex) created=\(created) "
      + "deleted=\(deleted) export=\(export.hex)"
  }

  /// Reads ``text``; nil for anything else.
  package init?(_ text: String) {
    let values = text.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
    guard values.count == 6, values.allSatisfy({ $0.count == 2 }),
      let below = UInt64(values[0][1]), let count = UInt64(values[1][1]),
      let digest = Digest256(hex: values[2][1]), let created = UInt64(values[3][1]),
      let deleted = UInt64(values[4][1]), let export = Digest256(hex: values[5][1])
    else { return nil }
    self.init(
      below: below, kept: KeptLines(count: count, digest: digest), created: created,
      deleted: deleted, export: export)
    guard self.text == text else { return nil }
  }

  /// The mark that the entry of an archive tells of.
  package init?(_ entry: LoggedEntry) {
    guard let reason = entry.reason else { return nil }
    self.init(reason)
  }

  /// The latest mark of a store; nil where nothing is archived.
  /// - Throws: ``AuditError/store(_:)``, ``AuditError/damaged(_:)``.
  package static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> ArchiveMark? {
    guard let text = try onStore(transaction.get(row.rawSpan, in: .meta)?.text) else { return nil }
    guard let mark = ArchiveMark(text) else {
      throw .damaged("what it says about its archive cannot be read")
    }
    return mark
  }

  /// Makes it the latest of the store.
  package func save(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.put(key: Self.row.rawSpan, value: Array(text.utf8).rawSpan, in: .meta)
  }

  /// Forgets it, in a store whose log begins anew.
  package static func remove(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.delete(row.rawSpan, in: .meta)
  }
}

/// The lines that stay, in their order: how many, and a digest of their leaves' hashes, each hashed as
/// the right-hand node with the digest before; 32 zero bytes at first.
package struct KeptLines: Equatable, Sendable {
  /// The number of lines.
  package private(set) var count: UInt64
  /// The digest over them.
  package private(set) var digest: Digest256

  /// Takes the lines up that were digested before; none unless it is said.
  package init(count: UInt64 = 0, digest: Digest256 = .zero) {
    self.count = count
    self.digest = digest
  }

  /// Adds the next line's leaf.
  package mutating func add(_ leaf: Digest256) {
    count += 1
    digest = MerkleHash.node(digest, leaf)
  }
}
