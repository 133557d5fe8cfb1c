package import RecordFormat

/// What can be wrong with what the card store reads.
package enum CardStoreError: Error, Equatable, Sendable {
  /// A record does not open: damaged, moved, or under a key that the keyring does not have.
  case recordDoesNotOpen
  /// A record names a key that the keyring does not have.
  case unknownKey(KeyIdentifier)
  /// A row of `meta` or of the index does not have its form.
  case malformedRow
  /// Memory for cards in flight is used up.
  case noSecretMemory
  /// The fingerprint index cannot be written, and no more fits in memory: no card is taken.
  case indexIsBehind
}
