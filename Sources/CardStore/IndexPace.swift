/// When the fingerprint index is written, and in what pieces.
package struct IndexPace: Sendable {
  /// Entries that make a flush worth its pages. Fingerprints are random, so that in a large index nearly
  /// every entry of a small flush has a page of its own to change; of ten million cards this many share
  /// theirs by twos. They are what a hash table of 2^19 places takes without growing, less the last batch.
  package var entriesPerFlush = 3 * (1 << 19) / 4 - 1024
  /// Entries beyond which no card is taken: the index cannot be written, or cannot keep up.
  package var mostWaitingEntries = 2_097_152
  /// Entries in one transaction: their pages take the disk some milliseconds, and a commit of the store
  /// waits behind them.
  package var entriesPerTransaction = 256
  /// Entries in one transaction when somebody waits for the end of the flush.
  package var entriesPerHurriedTransaction = 8_192
  /// The longest pause after a transaction, in nanoseconds.
  package var longestPauseNanoseconds: UInt64 = 20_000_000

  /// How long what could not be written, or built, is not tried again: the writer stops for some
  /// milliseconds to take up again what was not written.
  package var retryPause = Duration.seconds(10)

  /// What has been measured to leave the commits beside it their speed.
  package static let standard = IndexPace()

  package init() {}
}
