internal import Cryptography

/// Compares a tree that grows with the checkpoints of it, in the order of their sizes.
struct CheckpointWalk {
  /// Those that are still ahead, the nearest last.
  private var ahead: [SignedCheckpoint] = []
  /// How many entries the last one that agreed covers: what follows is where a change is.
  private var agreed: UInt64
  /// How many agreed.
  private(set) var count: UInt64 = 0
  /// How many of those from the first size on carry a signature that was verified.
  private(set) var signatures: UInt64 = 0

  /// - Parameters:
  ///   - checkpoints: in any order.
  ///   - agreed: the size up to which the tree is known to be right.
  ///   - keys: those of the log; without any, no signature is looked at.
  /// - Throws: a finding where one is of another log than the others, or a signature is not valid.
  init(
    _ checkpoints: [SignedCheckpoint], after agreed: UInt64 = 0, trusting keys: [VerifierKey],
    origin: String
  ) throws(AuditVerification.Finding) {
    self.agreed = agreed
    for signed in checkpoints.sorted(by: { $0.size < $1.size }) {
      do throws(AuditError) {
        guard signed.checkpoint.origin == origin, signed.size > 0 else {
          throw .unverifiedNote("it is of another log")
        }
        if !keys.isEmpty {
          try signed.verified(by: keys)
          if signed.size > agreed { signatures += 1 }
        }
      } catch {
        throw .init(sequence: max(signed.size, 1) - 1, reason: .checkpointInvalid)
      }
      if signed.size > agreed { ahead.append(signed) }
    }
    ahead.reverse()
  }

  /// The size at which the next comparison is due; nil where none is.
  var next: UInt64? { ahead.last?.size }

  /// Compares the tree, which has just grown.
  /// - Throws: a finding.
  mutating func compare(_ frontier: MerkleFrontier) throws(AuditVerification.Finding) {
    while let nearest = ahead.last, nearest.size == frontier.size {
      guard nearest.checkpoint.root == frontier.root else {
        throw .init(sequence: agreed, reason: .checkpointMismatch)
      }
      ahead.removeLast()
      agreed = nearest.size
      count += 1
    }
  }

  /// - Throws: a finding where a checkpoint covers more entries than the log has.
  func end(at size: UInt64) throws(AuditVerification.Finding) {
    if next != nil { throw .init(sequence: size, reason: .logShortened) }
  }
}
