internal import Cryptography

/// Compares a tree that grows with the checkpoints of it, in the order of their sizes.
struct CheckpointWalk {
  /// How long entries of clients may go without a checkpoint, by their own times: the vault signs one a
  /// second, and what it could not sign before it ended is little.
  private static let longestUncoveredMilliseconds: Int64 = 60_000

  /// A checkpoint that is still ahead; nil for one that is not what it should be.
  private struct Step {
    let size: UInt64
    let root: Digest256?
  }

  /// The nearest last.
  private var ahead: [Step] = []
  /// How many entries the last one that agreed covers: what follows is where a change is.
  private(set) var agreed: UInt64
  /// The checkpoints that agreed with the log.
  private(set) var count: UInt64 = 0
  /// How many of those carry a signature that was verified.
  private(set) var signatures: UInt64 = 0
  /// Whether signatures are looked at.
  let isTrusting: Bool
  /// The first entry of a client that no checkpoint covers.
  private var uncovered: (sequence: UInt64, time: Int64)?
  /// The time of the last one.
  private var latestMilliseconds: Int64?

  /// - Parameters:
  ///   - rows: notes by the sizes that they are said to cover, in any order.
  ///   - agreed: the size up to which the tree is known to be right; those up to there are passed over.
  ///   - keys: those of the log; without any, no signature is looked at.
  ///   - origin: the name of the log.
  init(
    _ rows: [KeptCheckpoints.Row], after agreed: UInt64 = 0, trusting keys: [VerifierKey],
    origin: String
  ) {
    self.agreed = agreed
    isTrusting = !keys.isEmpty
    for row in rows.sorted(by: { $0.size > $1.size }) where row.size > agreed {
      ahead.append(Step(size: row.size, root: Self.root(of: row, origin, keys)))
    }
  }

  /// The root that a note vouches for; nil where it does not vouch for anything.
  private static func root(
    of row: KeptCheckpoints.Row, _ origin: String, _ keys: [VerifierKey]
  ) -> Digest256? {
    guard let signed = try? SignedCheckpoint(parsing: row.note), signed.size == row.size,
      signed.checkpoint.origin == origin,
      keys.isEmpty || (try? signed.verified(by: keys)) != nil
    else { return nil }
    return signed.checkpoint.root
  }

  /// Takes the time of the next entry, before the tree has grown by it.
  ///
  /// Of clients' alone: others are written while nobody can sign, by a vault that is sealed and by
  /// commands without a service.
  mutating func note(_ line: CheckedLine, at sequence: UInt64) {
    guard line.isArchived, let time = line.timeMilliseconds else { return }
    latestMilliseconds = time
    uncovered = uncovered ?? (sequence, time)
  }

  /// Compares the tree, which has just grown, where a checkpoint says what it is now.
  /// - Throws: a finding.
  mutating func compare(_ frontier: MerkleFrontier) throws(AuditVerification.Finding) {
    while let nearest = ahead.last, nearest.size == frontier.size {
      guard let root = nearest.root else {
        throw .init(sequence: nearest.size - 1, reason: .checkpointInvalid)
      }
      guard root == frontier.root else {
        throw .init(sequence: agreed, reason: .checkpointMismatch)
      }
      ahead.removeLast()
      agreed = nearest.size
      count += 1
      if isTrusting { signatures += 1 }
      uncovered = nil
    }
  }

  /// - Throws: a finding where a checkpoint covers more entries than the log has, or too many entries
  ///   at its end have none.
  func end(at size: UInt64) throws(AuditVerification.Finding) {
    if !ahead.isEmpty { throw .init(sequence: size, reason: .logShortened) }
    if isTrusting, let uncovered, let latestMilliseconds,
      latestMilliseconds - uncovered.time > Self.longestUncoveredMilliseconds
    {
      throw .init(sequence: uncovered.sequence, reason: .signatureMissing)
    }
  }
}
