internal import Bytes
internal import Cryptography
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
    self = try store.read { (transaction) throws(AuditError) in try LogStart(in: transaction) }
  }

  private init(in transaction: borrowing StoreReadTransaction) throws(AuditError) {
    frontier = try AuditEnd.frontier(in: transaction) ?? MerkleFrontier()
    // One that cannot be read explains no line that is missing.
    archive = (try? ArchiveMark.read(in: transaction)) ?? nil
    checkpoints = try KeptCheckpoints.rows(limit: .max, in: transaction)
    checkpointRows = try onStore(transaction.count(of: .checkpoints))
    leafRows = try onStore(transaction.count(of: .leaves))
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
  static func keptLines(
    below end: UInt64, in store: Store
  ) throws(VerificationStop) -> KeptLines {
    var kept = KeptLines()
    var next: UInt64? = 0
    while let first = next, first < end {
      next = try store.read(logBelow: end) { (transaction) throws(VerificationStop) -> UInt64? in
        var visited = 0
        var rest: UInt64?
        try transaction.forEach(in: .audit, from: first.bigEndianBytes.rawSpan) {
          (key, line) throws(VerificationStop) in
          guard let sequence = UInt64(bigEndianBytes: key), sequence < end else { return false }
          guard visited < AuditLimits.linesInOneTransaction else {
            rest = sequence
            return false
          }
          visited += 1
          if let line = try? CheckedLine(line, at: sequence), !line.isArchived {
            kept.add(line.leaf)
          }
          return true
        }
        return rest
      }
    }
    return kept
  }

  /// Whether entries and hashes end where the frontier says, in one snapshot of now.
  static func verifyEnd(of store: Store) throws(VerificationStop) {
    try store.read { (transaction) throws(VerificationStop) in
      let size = try reading(AuditEnd.frontier(in: transaction))?.size ?? 0
      for (table, reason) in [
        (Table.audit, AuditVerification.Reason.entryUnexpected), (.leaves, .hashMissing),
      ] {
        try transaction.forEach(in: table, from: size.bigEndianBytes.rawSpan) {
          (_, _) throws(VerificationStop) in throw .finding(size, reason)
        }
      }
    }
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

  /// Verifies the lines of `range`, and says how many rows of hashes it took.
  mutating func verify(
    _ range: Range<UInt64>, in transaction: borrowing StoreReadTransaction
  ) throws(VerificationStop) -> Int {
    let hashes = try reading(
      LeafHashes(from: range.lowerBound, to: range.upperBound, in: transaction))
    var next = range.lowerBound
    // From the one before on, which may be archived: what stands between them has no place there.
    let before = (range.lowerBound &- 1).bigEndianBytes
    try transaction.forEach(
      in: .audit, from: next == 0 ? nil : before.span.rawSpan
    ) { (key, line) throws(VerificationStop) in
      if next == range.lowerBound, next > 0, UInt64(bigEndianBytes: key) == next - 1 { return true }
      while next < range.upperBound, try !finding(isHere(key, at: next)) {
        try pass(noted: hashes[next], at: next, in: transaction)
        next += 1
      }
      guard next < range.upperBound else { return false }
      try add(line, noted: hashes[next], at: next, in: transaction)
      next += 1
      return next < range.upperBound
    }
    for sequence in next..<range.upperBound {
      try pass(noted: hashes[sequence], at: sequence, in: transaction)
    }
    return hashes.rows
  }

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
  ) throws(VerificationStop) {
    let checked: CheckedLine
    do throws(AuditVerification.Reason) {
      checked = try CheckedLine(line, at: sequence)
    } catch { throw .finding(sequence, error) }
    guard let noted else { throw .finding(sequence, .hashMissing) }
    guard noted == checked.leaf else { throw .finding(sequence, .hashMismatch) }
    if let mark = checked.mark { lastMark = mark }
    if sequence < archivedBelow, !checked.isArchived { kept.add(checked.leaf) }
    walk.note(checked, at: sequence)
    try grow(by: checked.leaf, in: transaction)
  }

  /// Adds the hash of a line that is not there.
  mutating func pass(
    noted: Digest256?, at sequence: UInt64, in transaction: borrowing StoreReadTransaction
  ) throws(VerificationStop) {
    guard sequence < archivedBelow else { throw .finding(sequence, .entryMissing) }
    guard let noted else { throw .finding(sequence, .hashMissing) }
    missing += 1
    firstMissing = firstMissing ?? sequence
    try grow(by: noted, in: transaction)
  }

  private mutating func grow(
    by leaf: Digest256, in transaction: borrowing StoreReadTransaction
  ) throws(VerificationStop) {
    for (node, hash) in frontier.append(leaf)
    where try reading(LogTree.hash(of: node, in: transaction)) != hash {
      throw .finding(node.firstLeaf, .nodeMismatch)
    }
    try finding(walk.compare(frontier))
  }
}
