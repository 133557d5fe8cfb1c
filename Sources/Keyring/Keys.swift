package import Cryptography
package import RecordFormat
import SecretMemory

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
    try material.withBytes { bytes throws(CryptographyError) in try XAES256GCM(key: bytes) }
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
    try material.withBytes { bytes throws(CryptographyError) in
      try MessageAuthenticator(key: bytes)
    }
  }
}

/// The key-encryption key that is in use. It wraps the keyring and nothing else.
final class KeyEncryptionKey: Sendable {
  let identifier: KeyIdentifier
  private let material: KeyMaterial

  init(_ identifier: KeyIdentifier, _ material: KeyMaterial) {
    self.identifier = identifier
    self.material = material
  }

  func makeCipher() throws(CryptographyError) -> XAES256GCM {
    try material.withBytes { bytes throws(CryptographyError) in try XAES256GCM(key: bytes) }
  }

  func checkValue() throws(CryptographyError) -> String {
    try material.withBytes { bytes throws(CryptographyError) in
      try KeyCheckValue.ofSymmetricKey(bytes)
    }
  }
}
