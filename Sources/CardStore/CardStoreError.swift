package import RecordFormat

/// What can be wrong with what the card store reads.
package enum CardStoreError: Error, Equatable, Sendable {
  /// A record does not open: damaged, moved, or not of this store.
  case recordDoesNotOpen
  /// A record names a key that the keyring does not have.
  case unknownKey(KeyIdentifier)
  /// A row of `meta` or of the index does not have its form.
  case malformedRow
  /// Memory for cards in flight is used up.
  case noSecretMemory
}
