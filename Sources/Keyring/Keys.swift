package import Cryptography
package import RecordFormat
package import SecretMemory

/// A key that seals card records.
package struct DataKey: Sendable {
  package let identifier: KeyIdentifier
  let material: KeyMaterial

  /// A cipher under this key, for one thread.
  package func makeCipher() throws(CryptographyError) -> XAES256GCM { try material.makeCipher() }
}

/// A key that turns card numbers into fingerprints, and requests into digests.
package struct FingerprintKey: Sendable {
  package let identifier: KeyIdentifier
  let material: KeyMaterial

  /// An authenticator under this key, for one thread.
  package func makeAuthenticator() throws(CryptographyError) -> MessageAuthenticator {
    try material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
      try MessageAuthenticator(key: bytes)
    }
  }
}

/// A key-encryption key. It wraps the keyring and nothing else.
package final class KeyEncryptionKey: Sendable {
  package let identifier: KeyIdentifier
  private let material: KeyMaterial

  /// Takes over the 32 bytes of a key.
  package init(_ identifier: KeyIdentifier, _ secret: consuming SecretBytes) {
    self.identifier = identifier
    material = KeyMaterial(secret)
  }

  /// 32 random bytes for a new key.
  ///
  /// - Throws: ``KeyringError/systemUnavailable``.
  package static func makeSecret() throws(KeyringError) -> SecretBytes {
    try onSystem(SecretBytes.random(count: Keyring.keySize))
  }

  /// Five bytes by which people compare the key.
  package func checkValue() throws(KeyringError) -> [UInt8] { try material.checkValue() }

  /// Lends a new key to `body`, to be handed over to the service that is to wrap its keyring under it.
  package func withUnprotectedKeyBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try material.withUnprotectedKeyBytes(body)
  }

  /// Whether the key is `secret`, in constant time.
  package func isEqual(to secret: borrowing SecretBytes) -> Bool {
    let other = secret.bytes
    return material.withUnprotectedKeyBytes { constantTimeEqual($0, other) }
  }

  func makeCipher() throws(CryptographyError) -> XAES256GCM { try material.makeCipher() }

  /// Shares of the key, any `threshold` of which rebuild it.
  func split(threshold: Int, count: Int) throws(KeyringError) -> SecretShares {
    try onSystem(
      material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
        try SecretSharing.split(bytes, threshold: threshold, count: count)
      })
  }
}

extension KeyMaterial {
  func makeCipher() throws(CryptographyError) -> XAES256GCM {
    try withUnprotectedKeyBytes { bytes throws(CryptographyError) in try XAES256GCM(key: bytes) }
  }

  func checkValue() throws(KeyringError) -> [UInt8] {
    try onSystem(
      withUnprotectedKeyBytes { bytes throws(CryptographyError) in
        try KeyCheckValue.ofSymmetricKey(bytes)
      })
  }
}
