package import Cryptography
package import RecordFormat
package import SecretMemory

/// A key that seals card records.
package final class DataKey: Sendable {
  package let identifier: KeyIdentifier
  private let material: KeyMaterial

  init(_ identifier: KeyIdentifier, _ material: KeyMaterial) {
    self.identifier = identifier
    self.material = material
  }

  /// A cipher under this key, for one thread.
  package func makeCipher() throws(CryptographyError) -> XAES256GCM {
    try material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
      try XAES256GCM(key: bytes)
    }
  }
}

/// A key that turns card numbers into fingerprints, and requests into digests.
package final class FingerprintKey: Sendable {
  package let identifier: KeyIdentifier
  private let material: KeyMaterial

  init(_ identifier: KeyIdentifier, _ material: KeyMaterial) {
    self.identifier = identifier
    self.material = material
  }

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
    do throws(SecretMemoryError) {
      return try SecretBytes.random(count: Keyring.keySize)
    } catch {
      throw .systemUnavailable
    }
  }

  /// Five bytes by which people compare the key.
  package func checkValue() throws(CryptographyError) -> [UInt8] {
    try material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
      try KeyCheckValue.ofSymmetricKey(bytes)
    }
  }

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

  func makeCipher() throws(CryptographyError) -> XAES256GCM {
    try material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
      try XAES256GCM(key: bytes)
    }
  }

  /// Shares of the key, any `threshold` of which rebuild it.
  func split(threshold: Int, count: Int) throws(CryptographyError) -> SecretShares {
    try material.withUnprotectedKeyBytes { bytes throws(CryptographyError) in
      try SecretSharing.split(bytes, threshold: threshold, count: count)
    }
  }
}
