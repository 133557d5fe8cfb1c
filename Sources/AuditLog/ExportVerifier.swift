internal import Bytes
package import Cryptography

/// Verifies the entries of an export, one after the other, against signed checkpoints.
///
/// A line is an entry, or, where it is archived, its leaf's hash: a JSON string in base 64. That is
/// believed only where an entry of the log tells that it was archived, and that nothing else was.
package struct ExportVerifier {
  private let newest: SignedCheckpoint
  private var walk: CheckpointWalk
  private var tiles = LogTiles()
  private var kept = KeptLines()
  /// What was kept when the tree had the size of a checkpoint: an archive ends at one.
  private var keptAt: [UInt64: KeptLines] = [:]
  private var lastMark: ArchiveMark?
  private var missing: UInt64 = 0
  private var firstMissing: UInt64?
  private var lastMissing: UInt64 = 0
  /// The tiles that were full with the last line.
  private var latestTiles: [LogTiles.Tile] = []

  /// - Parameters:
  ///   - newest: the checkpoint that the export ends with.
  ///   - checkpoints: every other one of the export, and one that was kept elsewhere, where there is one.
  ///   - keys: those of the log.
  package init(
    _ newest: SignedCheckpoint, and checkpoints: [KeptCheckpoints.Row],
    trusting keys: [VerifierKey]
  ) {
    self.newest = newest
    walk = CheckpointWalk(
      checkpoints + [KeptCheckpoints.Row(newest)], trusting: keys,
      origin: newest.checkpoint.origin)
  }

  /// Adds a line, without its end.
  /// - Returns: the tiles that are full with it.
  /// - Throws: a finding.
  package mutating func add(
    _ line: RawSpan
  ) throws(AuditVerification.Finding) -> [LogTiles.Tile] {
    let sequence = tiles.frontier.size
    guard sequence < newest.size else {
      throw .init(sequence: sequence, reason: .entryUnexpected)
    }
    let leaf: Digest256
    do throws(AuditVerification.Reason) {
      leaf = try read(line, at: sequence)
    } catch { throw .init(sequence: sequence, reason: error) }
    let full = tiles.append(leaf)
    latestTiles = full
    try walk.compare(tiles.frontier)
    if walk.agreed == tiles.frontier.size { keptAt[walk.agreed] = kept }
    return full
  }

  /// The hash of the leaf that a line is, or stands for.
  private mutating func read(
    _ line: RawSpan, at sequence: UInt64
  ) throws(AuditVerification.Reason) -> Digest256 {
    if let leaf = Self.archivedLeaf(line) {
      missing += 1
      firstMissing = firstMissing ?? sequence
      lastMissing = sequence
      return leaf
    }
    let checked = try CheckedLine(line, at: sequence)
    if let mark = checked.mark { lastMark = mark }
    if !checked.isArchived { kept.add(checked.leaf) }
    walk.note(checked, at: sequence)
    return checked.leaf
  }

  /// How many lines were added.
  package var count: UInt64 { tiles.frontier.size }

  /// The hashes of leaves that nobody has been given yet, after a finding.
  package var openTiles: [LogTiles.Tile] { (latestTiles + tiles.partial).filter { $0.level == 0 } }

  /// The tiles at the right edge.
  package var partialTiles: [LogTiles.Tile] { tiles.partial }

  /// The line of an entry that is archived.
  package static func line(archived leaf: Digest256) -> [UInt8] {
    Array("\"\(Base64.encode(leaf.bytes))\"".utf8)
  }

  private static func archivedLeaf(_ line: RawSpan) -> Digest256? {
    let quote = UInt8(ascii: "\"")
    // Base 64 of 32 bytes has 44 characters.
    guard line.byteCount == 46, line.byte(0) == quote, line.byte(45) == quote,
      let bytes = Base64.decode(line.extracting(1..<45).array)
    else { return nil }
    return Digest256(bytes.rawSpan)
  }

  /// The verdict, after the last line.
  /// - Throws: a finding.
  package func finish() throws(AuditVerification.Finding) -> AuditVerification {
    let size = tiles.frontier.size
    guard size == newest.size else { throw .init(sequence: size, reason: .entryMissing) }
    try walk.end(at: size)
    if let firstMissing {
      guard let lastMark, lastMissing < lastMark.below, keptAt[lastMark.below] == lastMark.kept
      else { throw .init(sequence: firstMissing, reason: .archiveMismatch) }
    }
    return AuditVerification(
      size: size, root: tiles.frontier.root, checkpoints: walk.count,
      signatures: walk.signatures, covered: size, archived: missing)
  }
}
