package import Cryptography
package import Keyring
package import RecordFormat
package import Storage

/// What can be wrong with the card store and what it stands on.
///
/// What a job of the writer is thrown, all but ``store(_:)``, is thrown before anything is written.
package enum CardStoreError: Error, Equatable, Sendable, StoreFailure {
  /// A record does not open: damaged, moved, or under a key that the keyring does not have.
  case recordDoesNotOpen
  /// A record names a key that the keyring does not have.
  case unknownKey(KeyIdentifier)
  /// A row of `meta` does not have its form.
  case malformedRow
  /// Memory for cards in flight is used up.
  case noSecretMemory
  /// The fingerprint index has no room to be written, and does not know every card, or no more fits in
  /// memory: no card is looked for. See ``IndexFigures/lackingBytes``.
  case indexIsBehind
  /// The fingerprint index cannot be read, and is being built anew: no card is looked for.
  case indexUnreadable
  /// The fingerprint index has not been compared with the records yet, and does not tell this card from a
  /// new one without that.
  case indexUnproven
  /// Every token up to the year 10889 has been given.
  case tokensExhausted
  /// The store could not be read or written.
  case store(StorageError)
  /// A key cannot be used, or what is counted of it cannot be read.
  case keys(KeyringError)
  /// A cipher could not be used.
  case cipher(CryptographyError)

  /// Whether it is the index that no card can be looked up in.
  package var isOfIndex: Bool {
    self == .indexIsBehind || self == .indexUnreadable || self == .indexUnproven
  }

  /// The error for one of a record.
  init(_ error: RecordError) {
    switch error {
    case .unsupportedVersion, .malformed, .authenticationFailed, .invalidContent, .tooLarge:
      self = .recordDoesNotOpen
    case .memoryUnavailable: self = .cipher(.memoryUnavailable)
    case .cipher(let error): self = .cipher(error)
    }
  }
}

/// What `body` returns; the store's error becomes the card store's.
func stored<R>(
  _ body: @autoclosure () throws(StorageError) -> R
) throws(CardStoreError) -> R {
  do throws(StorageError) { return try body() } catch { throw .store(error) }
}

/// What `body` returns; the keyring's error becomes the card store's.
func keyed<R>(
  _ body: @autoclosure () throws(KeyringError) -> R
) throws(CardStoreError) -> R {
  do throws(KeyringError) { return try body() } catch { throw .keys(error) }
}

/// What `body` returns; the cipher's error becomes the card store's.
func ciphered<R: ~Copyable>(
  _ body: @autoclosure () throws(CryptographyError) -> R
) throws(CardStoreError) -> R {
  do throws(CryptographyError) { return try body() } catch { throw .cipher(error) }
}
