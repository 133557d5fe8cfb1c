package import RecordFormat

/// What can be wrong with the vault's own rows and its state.
package enum VaultError: Error, Equatable, Sendable {
  /// A row does not have its layout.
  case malformedRow
  /// A row names a key that the keyring does not have.
  case unknownKey
  /// Cards still stand under the key, so that it cannot be certified that none does.
  case cardsLeft(KeyIdentifier)
  /// The keyring is closed.
  case sealed
}
