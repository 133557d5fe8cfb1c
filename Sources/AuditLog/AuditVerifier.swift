internal import Cryptography
internal import LMDB
package import Storage

/// Recomputes a log from its lines, while it may go on growing.
///
/// Every line that is not archived has to be there, well-formed, under its own sequence and with its
/// noted hash; every kept node and checkpoint has to be the tree's at that size, and the whole the one
/// that the frontier says. Each read transaction visits at most
/// ``AuditLimits/linesInOneTransaction`` lines.
///
/// What cannot be told without a checkpoint that was kept elsewhere: a whole log, with its hashes,
/// checkpoints and frontier, that was replaced by its own beginning, or, by somebody who has its key,
/// by another one.
package struct AuditVerifier {
  /// What a log is compared with.
  package struct Trust: Sendable {
    /// A checkpoint that was kept: only what came after it is recomputed.
    package var since: SignedCheckpoint?
    /// The keys of the log; without any, no signature is looked at.
    package var keys: [VerifierKey]

    /// Names what is believed.
    package init(since: SignedCheckpoint? = nil, keys: [VerifierKey] = []) {
      self.since = since
      self.keys = keys
    }
  }

  private let store: Store
  private let end: MerkleFrontier
  private let archive: ArchiveMark?
  private let isTrusting: Bool
  private var frontier: MerkleFrontier
  private var walk: CheckpointWalk
  private var kept = KeptLines()
  private var missing: UInt64 = 0
  private var firstMissing: UInt64?
  private var isArchiveTold: Bool

  /// Verifies the log of `store`, as far as it goes when the verification begins.
  /// - Parameter progress: called after each chunk with how many entries of how many are done; says
  ///   whether to go on.
  /// - Throws: ``AuditError/abandoned``, ``AuditError/store(_:)`` where the store cannot be read. What
  ///   is wrong with the log is not thrown: it is the result's ``AuditVerification/finding``.
  package static func verify(
    _ store: Store, trusting trust: Trust = Trust(),
    progress: (_ done: UInt64, _ total: UInt64) -> Bool = { _, _ in true }
  ) throws(AuditError) -> AuditVerification {
    let start: Start
    do throws(AuditError) {
      start = try Start(of: store)
    } catch .damaged {
      return changed(0, .frontierUnreadable, size: 0)
    }
    do {
      var verifier = try AuditVerifier(store, start, trust)
      return try verifier.run(progress)
    } catch let finding as AuditVerification.Finding {
      // What came before a kept checkpoint was changed: from the beginning it shows where.
      if trust.since != nil, finding.reason == .checkpointMismatch {
        let whole = try verify(store, trusting: Trust(keys: trust.keys), progress: progress)
        if whole.finding != nil { return whole }
      }
      return AuditVerification(size: start.frontier.size, finding: finding)
    } catch let error as AuditError {
      guard case .damaged = error else { throw error }
      return changed(0, .hashMissing, size: start.frontier.size)
    } catch {
      preconditionFailure("a verification throws findings and AuditError: \(error)")
    }
  }

  /// What the log says about itself, in one snapshot.
  private struct Start {
    let frontier: MerkleFrontier
    let archive: ArchiveMark?
    let checkpoints: [KeptCheckpoints.Row]

    init(of store: Store) throws(AuditError) {
      (frontier, archive, checkpoints) = try store.read { (transaction) throws(AuditError) in
        (
          try AuditEnd.frontier(in: transaction) ?? MerkleFrontier(),
          try ArchiveMark.read(in: transaction),
          try KeptCheckpoints.rows(limit: .max, in: transaction)
        )
      }
    }
  }

  private init(_ store: Store, _ start: Start, _ trust: Trust) throws {
    self.store = store
    end = start.frontier
    archive = start.archive
    isTrusting = !trust.keys.isEmpty
    var checkpoints: [SignedCheckpoint] = []
    for row in start.checkpoints {
      guard let signed = try? SignedCheckpoint(parsing: row.note), signed.size == row.size else {
        throw AuditVerification.Finding(sequence: max(row.size, 1) - 1, reason: .checkpointInvalid)
      }
      checkpoints.append(signed)
    }
    let origin = VerifierKey.name(ofStore: store.storeIdentifier.bytes)
    frontier = MerkleFrontier()
    isArchiveTold = start.archive == nil
    guard let since = trust.since else {
      walk = try CheckpointWalk(checkpoints, trusting: trust.keys, origin: origin)
      return
    }
    let size = since.size
    // The one that was kept is looked at first, whatever else is wrong.
    _ = try CheckpointWalk([since], trusting: trust.keys, origin: origin)
    guard size <= end.size else {
      throw AuditVerification.Finding(sequence: end.size, reason: .logShortened)
    }
    frontier = try store.read { (transaction) throws(AuditError) in
      try LogTree.frontier(of: size, in: transaction)
    }
    guard frontier.root == since.checkpoint.root else {
      throw AuditVerification.Finding(sequence: 0, reason: .checkpointMismatch)
    }
    walk = try CheckpointWalk(
      checkpoints, after: size, trusting: trust.keys, origin: origin)
  }

  private mutating func run(
    _ progress: (UInt64, UInt64) -> Bool
  ) throws -> AuditVerification {
    let since = frontier.size
    while frontier.size < end.size {
      try verifyChunk()
      guard progress(frontier.size, end.size) else { throw AuditError.abandoned }
    }
    if let index = frontier.peaks.indices.first(where: { frontier.peaks[$0] != end.peaks[$0] }) {
      throw AuditVerification.Finding(
        sequence: frontier.firstLeaves[index], reason: .treeMismatch)
    }
    try walk.end(at: end.size)
    if since == 0 { try verifyArchive() }
    if let finding = try Self.verifyEnd(of: store, missing: since == 0 ? missing : nil) {
      throw finding
    }
    return AuditVerification(
      size: end.size, root: frontier.root, checkpoints: walk.count + (since > 0 ? 1 : 0),
      signatures: walk.signatures + (since > 0 && isTrusting ? 1 : 0), since: since,
      archived: missing)
  }

  private static func changed(
    _ sequence: UInt64, _ reason: AuditVerification.Reason, size: UInt64
  ) -> AuditVerification {
    AuditVerification(size: size, finding: .init(sequence: sequence, reason: reason))
  }

  /// Verifies the lines from the frontier's size on, in one snapshot.
  private mutating func verifyChunk() throws {
    let first = frontier.size
    let last = min(end.size, first + UInt64(AuditLimits.linesInOneTransaction))
    var chunk = Chunk(
      frontier: frontier, walk: walk, kept: kept, archivedBelow: archive?.below ?? 0)
    try store.read { transaction in
      let hashes = try LeafHashes(from: first, to: last, in: transaction)
      var cursor = try transaction.cursor(in: .audit)
      var entry = try Self.start(at: first, &cursor)
      for sequence in first..<last {
        let noted = hashes[sequence]
        if let current = entry, try chunk.isHere(current.key, at: sequence) {
          try chunk.add(current.value, noted: noted, at: sequence, in: transaction)
          entry = try cursor.next()
        } else {
          try chunk.pass(noted: noted, at: sequence, in: transaction)
        }
      }
    }
    frontier = chunk.frontier
    walk = chunk.walk
    kept = chunk.kept
    missing += chunk.missing
    firstMissing = firstMissing ?? chunk.firstMissing
    if let mark = chunk.lastMark { isArchiveTold = mark == archive }
  }

  /// The entry that follows the one of `sequence` - 1, whatever its key is.
  @_lifetime(copy cursor)
  private static func start(
    at sequence: UInt64, _ cursor: inout StoreCursor
  ) throws(StorageError) -> Entry? {
    guard sequence > 0 else { return try cursor.start() }
    let key = [(sequence - 1).bigEndian] as InlineArray<1, UInt64>
    guard let entry = try cursor.start(from: unsafe key.span.bytes) else { return nil }
    // The one before may be archived.
    return UInt64(bigEndianBytes: entry.key) == sequence - 1 ? try cursor.next() : entry
  }

  /// Whether the lines that are gone are those that the log tells were archived.
  private func verifyArchive() throws(AuditVerification.Finding) {
    guard let archive else { return }
    guard isArchiveTold, archive.below <= end.size, archive.kept == kept else {
      throw .init(sequence: firstMissing ?? 0, reason: .archiveMismatch)
    }
  }

  /// Whether entries and hashes end where the frontier says, in one snapshot of now.
  ///
  /// - Parameter missing: lines that are archived; nil where they were not counted.
  private static func verifyEnd(
    of store: Store, missing: UInt64?
  ) throws(AuditError) -> AuditVerification.Finding? {
    try store.read { (transaction) throws(AuditError) in
      let size = try AuditEnd.frontier(in: transaction)?.size ?? 0
      do throws(StorageError) {
        if try hasKey(from: size, in: .audit, of: transaction) {
          return AuditVerification.Finding(sequence: size, reason: .entryUnexpected)
        }
        if try hasKey(from: size, in: .leaves, of: transaction) {
          return AuditVerification.Finding(sequence: size, reason: .hashMissing)
        }
        guard let missing else { return nil }
        // Fewer, where lines have been archived meanwhile.
        return try UInt64(transaction.count(of: .audit)) + missing <= size
          ? nil : AuditVerification.Finding(sequence: size, reason: .entryUnexpected)
      } catch { throw .store(error) }
    }
  }

  /// Whether `table` has a key from `size` on.
  private static func hasKey(
    from size: UInt64, in table: Table, of transaction: borrowing StoreReadTransaction
  ) throws(StorageError) -> Bool {
    let key = [size.bigEndian] as InlineArray<1, UInt64>
    var cursor = try transaction.cursor(in: table)
    return try cursor.start(from: unsafe key.span.bytes) != nil
  }
}

/// Entries that are verified in one snapshot.
private struct Chunk {
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
    var nodes: [(TreeNode, Digest256)] = []
    frontier.append(leaf) { nodes.append(($0, $1)) }
    for (node, hash) in nodes
    where try LogTree.hash(of: node, in: transaction) != hash {
      throw AuditVerification.Finding(sequence: node.firstLeaf, reason: .nodeMismatch)
    }
    if walk.next == frontier.size { try walk.compare(frontier) }
  }
}
