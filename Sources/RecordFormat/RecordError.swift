package import Cryptography
import SecretMemory

/// Why stored bytes could not be read, or a value could not be written as such. No case carries a
/// byte of what is stored.
package enum RecordError: Error, Equatable, Sendable {
  /// The first byte names a version that this program does not know.
  case unsupportedVersion(UInt8)
  /// A length or a field in clear is not of the format.
  case malformed
  /// The tag does not fit: the bytes, the key, or what they are bound to was changed.
  case authenticationFailed
  /// What was sealed opens, and says what no writer of this format says.
  case invalidContent
  /// More entries, or more bytes, than the format has room for.
  case tooLarge
  /// The system gives no locked memory for what was sealed.
  case memoryUnavailable
  /// The cipher could not be used.
  case cipher(CryptographyError)

  /// The error for one of the cipher.
  init(_ error: CryptographyError) {
    switch error {
    case .authenticationFailed: self = .authenticationFailed
    case .memoryUnavailable: self = .memoryUnavailable
    case .entropyUnavailable, .malformedInput, .library: self = .cipher(error)
    }
  }
}

/// What `body` returns; the cipher's error becomes the record's.
@inline(__always)
func ciphered<R: ~Copyable>(
  _ body: @autoclosure () throws(CryptographyError) -> R
) throws(RecordError) -> R {
  do throws(CryptographyError) { return try body() } catch { throw RecordError(error) }
}

/// The memory that `body` makes.
func remembered(
  _ body: @autoclosure () throws(SecretMemoryError) -> SecretBytes
) throws(RecordError) -> SecretBytes {
  do throws(SecretMemoryError) { return try body() } catch { throw .memoryUnavailable }
}
