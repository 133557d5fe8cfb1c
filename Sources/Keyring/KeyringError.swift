package import RecordFormat
package import Storage

/// What can be wrong with the key source or the keyring. No case holds key material.
package enum KeyringError: StoreFailure, Equatable, Sendable {
  /// The directory or file of the key source cannot be read, written or made durable.
  case keySource(path: String, errno: Int32)
  /// A key file that belongs neither to the process's user nor to root.
  case keyFileOwner(path: String, owner: UInt32)
  /// A key file that somebody else than its owner may read or write.
  case keyFileMode(path: String, mode: UInt32)
  /// A key file that is not exactly 32 bytes long.
  case keyFileSize(path: String, size: Int)
  /// The key source has no file for the KEK that the keyring is wrapped under.
  case keyEncryptionKeyMissing(KeyIdentifier, directory: String)
  /// The key source does not have the KEK in force, so that a new one would be made in another place.
  case keyInForceMissing(KeyIdentifier, directory: String)
  /// The directory has not got the key in force either, so whether the key is destroyed is not known.
  case keyOutOfReach(KeyIdentifier, besides: KeyIdentifier, directory: String)
  /// The key source has no file for the KEK that is to take the place of the present one.
  case keyNotInstalled(KeyIdentifier, directory: String)
  /// A key file of this name exists already.
  case keyFileExists(path: String)
  /// The key source does not do what was asked, although nothing is broken.
  case sourceRefuses(KeySourceRefusal)
  /// The store has no keyring.
  case noKeyring
  /// The keyring does not open under its KEK: another key, another store, or damage.
  case keyringDoesNotOpen(KeyIdentifier)
  /// The keyring opens, but what it holds breaks its own rules.
  case malformedKeyring
  /// No key of this role is active.
  case noActiveKey(KeyRole)
  /// The keyring has no key of this identifier, or it has no secret any more.
  case unknownKey(KeyIdentifier)
  /// The keyring has a key of this identifier already.
  case keyKnownAlready(KeyIdentifier)
  /// A key-encryption key of which every byte is the same.
  case keyNotRandom(KeyIdentifier)
  /// The key is in a state in which this cannot be done with it.
  case wrongState(KeyIdentifier, KeyState)
  /// A key of this role is being replaced already.
  case rotationUnderWay(KeyRole)
  /// Keys of this role have been rotated as often as may be in a day.
  case rotatedTooOften(KeyRole)
  /// The keyring holds as many keys as fit.
  case tooManyKeys
  /// The key has sealed as often as its policy allows.
  case keyUsedUp(KeyIdentifier)
  /// A count of cards or uses does not have its form.
  case malformedTally
  /// Custodians, or a share of theirs.
  case custody(CustodyProblem)
  /// The store could not be read or written.
  case store(StorageError)
  /// Memory for keys cannot be had, or the system gives no random bytes.
  case systemUnavailable
}

/// What `body` returns; the store's error becomes the keyring's.
func onStore<R>(
  _ body: @autoclosure () throws(StorageError) -> R
) throws(KeyringError) -> R {
  do throws(StorageError) { return try body() } catch { throw .store(error) }
}

/// What `body` returns, which fails for want of memory or of random bytes alone.
func onSystem<R: ~Copyable>(
  _ body: @autoclosure () throws -> R
) throws(KeyringError) -> R {
  do { return try body() } catch { throw .systemUnavailable }
}
