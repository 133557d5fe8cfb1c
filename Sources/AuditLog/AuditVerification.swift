package import Cryptography

/// What came of verifying a log.
package struct AuditVerification: Equatable, Sendable {
  /// How many entries the log had when the verification began.
  package let size: UInt64
  /// The root over all of them; nil where something was changed.
  package let root: Digest256?
  /// The first thing that is wrong; nil where nothing was changed.
  package let finding: Finding?

  /// Where a log is not what it was, and how that shows.
  package struct Finding: Equatable, Sendable {
    /// The first sequence that is wrong; where that cannot be told, the first of the range that
    /// the wrong entry is in.
    package let sequence: UInt64
    /// How it shows.
    package let reason: Reason

    /// A finding at `sequence`.
    package init(sequence: UInt64, reason: Reason) {
      self.sequence = sequence
      self.reason = reason
    }
  }

  /// How a change shows.
  package enum Reason: String, Equatable, Sendable, CaseIterable {
    /// There is no entry with this sequence.
    case entryMissing = "entry-missing"
    /// An entry stands where none can be: under a key that is no sequence, or after the last one.
    case entryUnexpected = "entry-unexpected"
    /// The entry is not a line of JSON.
    case entryMalformed = "entry-malformed"
    /// The entry says another sequence than the one that it stands under.
    case sequenceMismatch = "sequence-mismatch"
    /// The entry does not have the hash that was noted when it was written.
    case hashMismatch = "hash-mismatch"
    /// The hash that was noted for the entry is missing, or stands at a wrong place.
    case hashMissing = "hash-missing"
    /// Entries and their noted hashes agree with each other and not with the tree: both were
    /// changed, at this sequence or after it.
    case treeMismatch = "tree-mismatch"
    /// The tree's frontier is missing or cannot be read.
    case frontierUnreadable = "frontier-unreadable"
  }
}
