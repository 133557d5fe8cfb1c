internal import Cryptography
package import Storage

/// Recomputes a log from its lines, while it may go on growing.
///
/// Every line that is not archived has to be there, well-formed, under its own sequence and with its
/// noted hash; every kept node and checkpoint has to be the tree's at that size, and the whole the one
/// that the frontier says. Each read transaction visits at most
/// ``AuditLimits/linesInOneTransaction`` lines.
///
/// What cannot be told without a checkpoint that was kept elsewhere: a log that was cut back to its own
/// beginning with all that belongs to it, and what was written anew after the last checkpoint that was
/// left in the store.
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

  private static let mostAttempts = 5

  private let store: Store
  private let start: LogStart
  private var frontier = MerkleFrontier()
  private var walk: CheckpointWalk
  private var kept = KeptLines()
  private var missing: UInt64 = 0
  private var firstMissing: UInt64?
  private var isArchiveTold = false
  private var leafRows = 0

  /// Verifies the log of `store`, as far as it goes when the verification begins.
  /// - Parameter progress: called after each chunk with how many entries of how many are done; says
  ///   whether to go on.
  /// - Throws: ``AuditError/abandoned``, ``AuditError/store(_:)`` where the store cannot be read. What
  ///   is wrong with the log is not thrown: it is the result's ``AuditVerification/finding``.
  package static func verify(
    _ store: Store, trusting trust: Trust = Trust(),
    progress: (_ done: UInt64, _ total: UInt64) -> Bool = { _, _ in true }
  ) throws(AuditError) -> AuditVerification {
    for _ in 0..<mostAttempts {
      if let result = try attempt(store, trust, progress) { return result }
    }
    throw .damaged("lines were archived again and again while they were verified")
  }

  /// - Returns: nil where lines were archived meanwhile.
  private static func attempt(
    _ store: Store, _ trust: Trust, _ progress: (UInt64, UInt64) -> Bool
  ) throws(AuditError) -> AuditVerification? {
    let start: LogStart
    do throws(AuditError) {
      start = try LogStart(of: store)
    } catch .damaged {
      return AuditVerification(size: 0, finding: .init(sequence: 0, reason: .frontierUnreadable))
    }
    do throws(VerificationStop) {
      var verifier = try AuditVerifier(store, start, trust)
      return try verifier.run(since: trust.since, progress)
    } catch {
      switch error {
      case .archivedMeanwhile: return nil
      case .failure(let error): throw error
      case .finding(let finding):
        // What came before a kept checkpoint was changed: from the beginning it shows where.
        if trust.since != nil,
          finding.reason == .checkpointMismatch || finding.reason == .hashMissing
        {
          let whole = try attempt(store, Trust(keys: trust.keys), progress)
          if whole?.finding != nil { return whole }
        }
        return AuditVerification(size: start.frontier.size, finding: finding)
      }
    }
  }

  private init(_ store: Store, _ start: LogStart, _ trust: Trust) throws(VerificationStop) {
    let origin = VerifierKey.name(ofStore: store.storeIdentifier.bytes)
    let since = trust.since?.size ?? 0
    self.store = store
    self.start = start
    walk = CheckpointWalk(start.checkpoints, after: since, trusting: trust.keys, origin: origin)
    guard let kept = trust.since else { return }
    frontier = try Self.frontier(of: kept, trusting: trust.keys, origin, in: store, start)
    if let archive = start.archive {
      self.kept = try LogStart.keptLines(below: min(since, archive.below), in: store)
    }
  }

  /// What the tree was when a checkpoint that was kept was signed.
  private static func frontier(
    of kept: SignedCheckpoint, trusting keys: [VerifierKey], _ origin: String, in store: Store,
    _ start: LogStart
  ) throws(VerificationStop) -> MerkleFrontier {
    let size = kept.size
    let isOurs = kept.checkpoint.origin == origin && size > 0
    guard isOurs, keys.isEmpty || (try? kept.verified(by: keys)) != nil else {
      throw .finding(max(size, 1) - 1, .checkpointInvalid)
    }
    guard size <= start.frontier.size else { throw .finding(start.frontier.size, .logShortened) }
    let frontier: MerkleFrontier
    do throws(AuditError) {
      frontier = try store.read { (transaction) throws(AuditError) in
        try LogTree.frontier(of: size, in: transaction)
      }
    } catch {
      guard case .damaged = error else { throw .failure(error) }
      throw .finding(0, .hashMissing)
    }
    guard frontier.root == kept.checkpoint.root else { throw .finding(0, .checkpointMismatch) }
    return frontier
  }

  private mutating func run(
    since kept: SignedCheckpoint?, _ progress: (UInt64, UInt64) -> Bool
  ) throws(VerificationStop) -> AuditVerification {
    let since = frontier.size
    let end = start.frontier
    while frontier.size < end.size {
      try verifyChunk()
      guard progress(frontier.size, end.size) else { throw .failure(.abandoned) }
    }
    if let index = frontier.peaks.indices.first(where: { frontier.peaks[$0] != end.peaks[$0] }) {
      throw .finding(frontier.firstLeaves[index], .treeMismatch)
    }
    try finding(walk.end(at: end.size))
    try finding(verifyArchive())
    try LogStart.verifyEnd(of: store)
    try finding(start.verifyRows(leafRows: since == 0 ? leafRows : nil))
    let isSigned = kept != nil && walk.isTrusting
    return AuditVerification(
      size: end.size, root: frontier.root, checkpoints: walk.count + (kept == nil ? 0 : 1),
      signatures: walk.signatures + (isSigned ? 1 : 0), covered: walk.agreed, since: since,
      archived: missing)
  }

  /// Verifies the lines from the frontier's size on, in one snapshot.
  private mutating func verifyChunk() throws(VerificationStop) {
    let first = frontier.size
    let last = min(start.frontier.size, first + UInt64(AuditLimits.linesInOneTransaction))
    var chunk = LogChunk(
      frontier: frontier, walk: walk, kept: kept, archivedBelow: start.archive?.below ?? 0)
    let archive = start.archive
    leafRows += try store.read(logBelow: last) { (transaction) throws(VerificationStop) in
      // What is archived may be removed from here on; what was read of that before may be older.
      guard try reading(ArchiveMark.read(in: transaction)) == archive else {
        throw .archivedMeanwhile
      }
      return try chunk.verify(first..<last, in: transaction)
    }
    frontier = chunk.frontier
    walk = chunk.walk
    kept = chunk.kept
    missing += chunk.missing
    firstMissing = firstMissing ?? chunk.firstMissing
    if let mark = chunk.lastMark { isArchiveTold = mark == start.archive }
  }

  /// Whether the lines that are gone are those that the log tells were archived.
  private func verifyArchive() throws(AuditVerification.Finding) {
    guard let archive = start.archive, let firstMissing else { return }
    guard isArchiveTold, archive.below <= start.frontier.size, archive.kept == kept else {
      throw .init(sequence: firstMissing, reason: .archiveMismatch)
    }
  }
}
