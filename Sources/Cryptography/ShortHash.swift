import CSodium
package import SecretMemory

/// SipHash-2-4: a digest of 64 bits under a key of 16 bytes, some 20 ns for a few bytes.
///
/// For counting and finding again what nobody without the key is to recognize, not for protecting or
/// authenticating anything: for that see ``MessageAuthenticator``.
/// - Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012; libsodium's
///   `crypto_shorthash`.
package struct ShortHash: ~Copyable, Sendable {
  /// How many bytes a key has.
  package static let keySize = 16

  private let key: SecretBytes

  /// Takes over a key.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless it has ``keySize`` bytes.
  package init(key: consuming SecretBytes) throws(CryptographyError) {
    guard key.count == Self.keySize else { throw .malformedInput }
    self.key = key
  }

  /// The digest of `message`; its eight bytes, which the source gives in little-endian order, as a
  /// number.
  package borrowing func digest(of message: RawSpan) -> UInt64 {
    let key = key.bytes
    var digest: UInt64 = 0
    let result = unsafe withUnsafeMutableBytes(of: &digest) { output in
      unsafe message.withUnsafeBytes { bytes in
        unsafe key.withUnsafeBytes { key in
          guard let output = unsafe output.octets, let key = unsafe key.octets else {
            return -1 as Int32
          }
          return unsafe crypto_shorthash(output, bytes.octets, UInt64(bytes.count), key)
        }
      }
    }
    precondition(result == 0, "SipHash cannot fail")
    return UInt64(littleEndian: digest)
  }
}
