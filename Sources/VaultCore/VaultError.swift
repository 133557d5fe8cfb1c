package import RecordFormat

/// What can be wrong with the vault's own rows and its state.
package enum VaultError: Error, Equatable, Sendable {
  /// A row does not have its layout.
  case malformedRow
  /// A row names a key that the keyring does not have.
  case unknownKey
  /// The keyring is closed.
  case sealed
  /// The keyring is open already.
  case notSealed
  /// Nobody holds a share of the KEK.
  case noCustodians
  /// No custodians wait to take the place of the present ones.
  case noReplacement
  /// Other custodians wait to take the place of the present ones.
  case replacementUnderWay
  /// Custodians hold the KEK, and only their agreement replaces it.
  case heldByCustodians
  /// The keyring was changed after it was read.
  case keyringHasChanged
  /// Payments still wait for their acquirer.
  case paymentsUnderWay
  /// Something still needs the key.
  case keyNeeded(KeyIdentifier, KeyNeeds)
  /// No request of this identifier waits for approval.
  case unknownApproval
  /// Whoever asks has asked for it, or approved it, already.
  case samePerson
  /// As many requests wait for approval as may.
  case tooManyApprovals
  /// A backup or a compaction runs, and only one at a time does.
  case upkeepUnderWay
  /// As many backups are on record as fit.
  case tooManyBackups
  /// No backup of this identifier is on record.
  case unknownBackup(KeyIdentifier)
  /// The backup was forgotten before.
  case backupForgotten(KeyIdentifier)
  /// The policy in force has no merchant of this name; those that it has.
  case unknownMerchant(known: [String])
  /// As many honeytokens are planted as may be.
  case tooManyHoneytokens
  /// The token is no honeytoken.
  case unknownHoneytoken
}
