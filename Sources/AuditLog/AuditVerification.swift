package import Cryptography

/// The verdict on a log: sound, or the first entry that is not.
package struct AuditVerification: Equatable, Sendable {
  /// How many entries the log had when the verification began.
  package let size: UInt64
  /// The root over all of them; nil where something was changed.
  package let root: Digest256?
  /// The first thing that is wrong; nil where nothing was changed.
  package let finding: Finding?
  /// How many checkpoints the log was compared with.
  package private(set) var checkpoints: UInt64 = 0
  /// How many of them carry a signature that was verified.
  package private(set) var signatures: UInt64 = 0
  /// The first sequence that was looked at: greater than 0 after a checkpoint that was kept.
  package private(set) var since: UInt64 = 0
  /// How many entries the newest checkpoint covers.
  package private(set) var covered: UInt64 = 0
  /// How many lines are archived: their hashes are there, they themselves in an export.
  package private(set) var archived: UInt64 = 0

  /// Describes a verification.
  package init(
    size: UInt64, root: Digest256? = nil, finding: Finding? = nil, checkpoints: UInt64 = 0,
    signatures: UInt64 = 0, covered: UInt64 = 0, since: UInt64 = 0, archived: UInt64 = 0
  ) {
    self.size = size
    self.root = root
    self.finding = finding
    self.checkpoints = checkpoints
    self.signatures = signatures
    self.covered = covered
    self.since = since
    self.archived = archived
  }

  /// Where a log is not what it was, and how that shows.
  package struct Finding: Error, Equatable, Sendable {
    /// The first sequence that is wrong; where that cannot be told, the first of the range that
    /// the wrong entry is in.
    package let sequence: UInt64
    /// The rule that the entry breaks.
    package let reason: Reason

    /// A finding at `sequence`.
    package init(sequence: UInt64, reason: Reason) {
      self.sequence = sequence
      self.reason = reason
    }
  }

  /// The rule that a changed log breaks.
  package enum Reason: String, Error, Equatable, Sendable, CaseIterable {
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
    /// The noted hash of 256 entries, or of a power of that, is missing or is not that of the
    /// entries.
    case nodeMismatch = "node-mismatch"
    /// Entries and their noted hashes agree with each other and not with the tree: both were
    /// changed, at this sequence or after it.
    case treeMismatch = "tree-mismatch"
    /// The tree's frontier is missing or cannot be read.
    case frontierUnreadable = "frontier-unreadable"
    /// The log ends before a checkpoint of it does: it was cut or rolled back to here.
    case logShortened = "log-shortened"
    /// The log agrees with itself and not with a checkpoint: it was written anew, here or after it.
    case checkpointMismatch = "checkpoint-mismatch"
    /// A checkpoint that covers the entry cannot be read, is of another log, or has a signature that
    /// is not valid.
    case checkpointInvalid = "checkpoint-invalid"
    /// No signed checkpoint covers the entry, or what came within the minute after it, although the
    /// vault signs one every second while its keyring is open.
    case signatureMissing = "signature-missing"
    /// Lines are missing, and the log does not say that just these were archived.
    case archiveMismatch = "archive-mismatch"
  }
}
