/// When the fingerprint index is written, and in what pieces.
package struct IndexPace: Sendable {
  /// Entries that make a flush worth its pages: large sorted batches touch each page once.
  package var entriesPerFlush = 131_072
  /// Entries beyond which no card is taken: the index cannot be written, or cannot keep up.
  package var mostWaitingEntries = 2_097_152
  /// Entries in one transaction.
  package var entriesPerTransaction = 1_000
  /// The longest pause after a transaction, in nanoseconds.
  package var longestPauseNanoseconds: UInt64 = 20_000_000

  /// What has been measured to leave the commits beside it their speed.
  package static let standard = IndexPace()

  package init() {}
}
