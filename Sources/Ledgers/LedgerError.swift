package import Cryptography
package import Keyring
package import RecordFormat
package import Storage

/// What can go wrong with the rows that the vault keeps beside cards, keys and log.
package enum LedgerError: Error, Equatable, Sendable, StoreFailure {
  /// The store could not be read or written.
  case store(StorageError)
  /// A key could not be used, or has no seal left.
  case keyring(KeyringError)
  /// A row could not be opened or sealed.
  case record(RecordError)
  /// A digest or a random number could not be made.
  case cryptography(CryptographyError)
  /// A row does not have its layout.
  case malformedRow
  /// A row names a key that the keyring does not have.
  case unknownKey
  /// The clock is past the year 10889, beyond which there is no identifier.
  case identifiersExhausted
}

// An error from below becomes the ledgers' own where the call is marked with its part.

@inline(__always)
@discardableResult
func onStore<R: ~Copyable>(_ body: @autoclosure () throws(StorageError) -> R) throws(LedgerError)
  -> R
{
  do throws(StorageError) { return try body() } catch { throw .store(error) }
}

@inline(__always)
@discardableResult
func onRecord<R: ~Copyable>(_ body: @autoclosure () throws(RecordError) -> R) throws(LedgerError)
  -> R
{
  do throws(RecordError) { return try body() } catch { throw .record(error) }
}

@inline(__always)
@discardableResult
func onKeys<R: ~Copyable>(_ body: @autoclosure () throws(KeyringError) -> R) throws(LedgerError)
  -> R
{
  do throws(KeyringError) { return try body() } catch { throw .keyring(error) }
}

@inline(__always)
@discardableResult
func onCryptography<R: ~Copyable>(
  _ body: @autoclosure () throws(CryptographyError) -> R
) throws(LedgerError) -> R {
  do throws(CryptographyError) { return try body() } catch { throw .cryptography(error) }
}
