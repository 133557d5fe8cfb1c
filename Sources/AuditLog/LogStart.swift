internal import Bytes
internal import Cryptography
internal import LMDB
internal import Storage

/// What a log says about itself, in one snapshot, when a verification of it begins.
struct LogStart {
  let frontier: MerkleFrontier
  let archive: ArchiveMark?
  let checkpoints: [KeptCheckpoints.Row]
  private let checkpointRows: Int
  private let leafRows: Int

  /// - Throws: ``AuditError/damaged(_:)`` where the frontier cannot be read; ``AuditError/store(_:)``.
  init(of store: Store) throws(AuditError) {
    self = try store.read { (transaction) throws(AuditError) in
      try LogStart(in: transaction)
    }
  }

  private init(in transaction: borrowing StoreReadTransaction) throws(AuditError) {
    frontier = try AuditEnd.frontier(in: transaction) ?? MerkleFrontier()
    // One that cannot be read explains no line that is missing.
    archive = (try? ArchiveMark.read(in: transaction)) ?? nil
    checkpoints = try KeptCheckpoints.rows(limit: .max, in: transaction)
    do throws(StorageError) {
      checkpointRows = try transaction.count(of: .checkpoints)
      leafRows = try transaction.count(of: .leaves)
    } catch { throw .store(error) }
  }

  /// Whether `leaves` and `checkpoints` hold nothing but what belongs to the log.
  ///
  /// - Parameter leafRows: rows of `leaves` that were used; nil where not all were looked at.
  func verifyRows(leafRows: Int?) throws(AuditVerification.Finding) {
    var nodes: UInt64 = 0
    var width = frontier.size / TreeNode.tileWidth
    while width > 0 {
      nodes += width
      width /= TreeNode.tileWidth
    }
    guard UInt64(checkpointRows) == UInt64(checkpoints.count) + nodes else {
      throw .init(sequence: 0, reason: .checkpointInvalid)
    }
    if let leafRows, leafRows != self.leafRows { throw .init(sequence: 0, reason: .hashMissing) }
  }

  /// The lines below a sequence that stay when others are archived, in short snapshots.
  static func keptLines(below end: UInt64, in store: Store) throws -> KeptLines {
    var kept = KeptLines()
    var next: UInt64? = 0
    while let first = next, first < end {
      next = try store.read { transaction -> UInt64? in
        var cursor = try transaction.cursor(in: .audit)
        let key = first.bigEndianBytes
        var entry = try cursor.start(from: key.span.rawSpan)
        var visited = 0
        while let current = entry, let sequence = UInt64(bigEndianBytes: current.key),
          sequence < end
        {
          if visited == AuditLimits.linesInOneTransaction { return sequence }
          visited += 1
          if let line = try? CheckedLine(current.value, at: sequence), !line.isArchived {
            kept.add(line.leaf)
          }
          entry = try cursor.next()
        }
        return nil
      }
    }
    return kept
  }

  /// The entry that follows the one of `sequence` - 1, whatever its key is.
  @_lifetime(copy cursor)
  static func entry(
    after sequence: UInt64, _ cursor: inout StoreCursor
  ) throws(StorageError) -> Entry? {
    guard sequence > 0 else { return try cursor.start() }
    let key = [(sequence - 1).bigEndian] as InlineArray<1, UInt64>
    guard let entry = try cursor.start(from: key.span.rawSpan) else { return nil }
    // The one before may be archived.
    return UInt64(bigEndianBytes: entry.key) == sequence - 1 ? try cursor.next() : entry
  }

  /// Whether entries and hashes end where the frontier says, in one snapshot of now.
  static func verifyEnd(of store: Store) throws {
    let finding: AuditVerification.Finding? = try store.read { transaction in
      let size = try AuditEnd.frontier(in: transaction)?.size ?? 0
      if try hasKey(from: size, in: .audit, of: transaction) {
        return AuditVerification.Finding(sequence: size, reason: .entryUnexpected)
      }
      return try hasKey(from: size, in: .leaves, of: transaction)
        ? AuditVerification.Finding(sequence: size, reason: .hashMissing) : nil
    }
    if let finding { throw finding }
  }

  /// Whether `table` has a key from `size` on.
  private static func hasKey(
    from size: UInt64, in table: Table, of transaction: borrowing StoreReadTransaction
  ) throws(StorageError) -> Bool {
    let key = [size.bigEndian] as InlineArray<1, UInt64>
    var cursor = try transaction.cursor(in: table)
    return try cursor.start(from: key.span.rawSpan) != nil
  }
}

/// Entries that are verified in one snapshot.
struct LogChunk {
  var frontier: MerkleFrontier
  var walk: CheckpointWalk
  var kept: KeptLines
  let archivedBelow: UInt64
  var missing: UInt64 = 0
  var firstMissing: UInt64?
  var lastMark: ArchiveMark?

  /// Whether the line under `key` is that of `sequence`; false where that one is archived.
  func isHere(_ key: RawSpan, at sequence: UInt64) throws(AuditVerification.Finding) -> Bool {
    guard let number = UInt64(bigEndianBytes: key), number >= sequence else {
      throw .init(sequence: sequence, reason: .entryUnexpected)
    }
    return number == sequence
  }

  /// Adds the line of `sequence`.
  mutating func add(
    _ line: RawSpan, noted: Digest256?, at sequence: UInt64,
    in transaction: borrowing StoreReadTransaction
  ) throws {
    let checked: CheckedLine
    do throws(AuditVerification.Reason) {
      checked = try CheckedLine(line, at: sequence)
    } catch { throw AuditVerification.Finding(sequence: sequence, reason: error) }
    guard let noted else {
      throw AuditVerification.Finding(sequence: sequence, reason: .hashMissing)
    }
    guard noted == checked.leaf else {
      throw AuditVerification.Finding(sequence: sequence, reason: .hashMismatch)
    }
    if let mark = checked.mark { lastMark = mark }
    if sequence < archivedBelow, !checked.isArchived { kept.add(checked.leaf) }
    walk.note(checked, at: sequence)
    try grow(by: checked.leaf, in: transaction)
  }

  /// Adds the hash of a line that is not there.
  mutating func pass(
    noted: Digest256?, at sequence: UInt64, in transaction: borrowing StoreReadTransaction
  ) throws {
    guard sequence < archivedBelow else {
      throw AuditVerification.Finding(sequence: sequence, reason: .entryMissing)
    }
    guard let noted else {
      throw AuditVerification.Finding(sequence: sequence, reason: .hashMissing)
    }
    missing += 1
    firstMissing = firstMissing ?? sequence
    try grow(by: noted, in: transaction)
  }

  private mutating func grow(
    by leaf: Digest256, in transaction: borrowing StoreReadTransaction
  ) throws {
    for (node, hash) in frontier.append(leaf)
    where try LogTree.hash(of: node, in: transaction) != hash {
      throw AuditVerification.Finding(sequence: node.firstLeaf, reason: .nodeMismatch)
    }
    try walk.compare(frontier)
  }
}
