import COpenSSL

/// What can go wrong in a cryptographic operation. No case carries a byte of what was processed.
package enum CryptographyError: Error, Equatable {
  /// The tag does not fit: another key, nonce or associated data, or altered ciphertext.
  case authenticationFailed

  /// The system gives no random bytes.
  case entropyUnavailable

  /// A key, nonce, ciphertext or signature does not have the length or form that it must have.
  case malformedInput

  /// Memory for a key could not be allocated or locked.
  case memoryUnavailable

  /// The library reported a failure that is not the caller's doing, such as a lack of memory.
  case library
}

/// Turns the result of a libcrypto function into an error where it is not 1, and empties the
/// thread's error queue, which nobody else would.
func check(
  _ result: Int32, orThrow error: CryptographyError = .library
) throws(CryptographyError) {
  guard result == 1 else {
    ERR_clear_error()
    throw error
  }
}

/// Unwraps what a libcrypto function returned, or empties the thread's error queue and throws.
func check<Value>(
  _ value: Value?, orThrow error: CryptographyError = .library
) throws(CryptographyError) -> Value {
  guard let value else {
    ERR_clear_error()
    throw error
  }
  return value
}
