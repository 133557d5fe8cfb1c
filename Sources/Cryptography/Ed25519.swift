internal import Bytes
import CSodium
internal import SecretMemory

/// A public key of Ed25519.
/// - Source: RFC 8032.
package struct Ed25519PublicKey: Hashable, Sendable {
  /// The 32 bytes of the key.
  package let bytes: [UInt8]

  /// How many bytes a public key has.
  package static let byteCount = 32

  /// How many bytes a signature has.
  package static let signatureSize = 64

  /// Takes 32 bytes; nil for another length. Whether they are a point of the curve shows when a
  /// signature is checked: none is valid under a key that is not.
  package init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    self.bytes = bytes.array
  }

  /// Whether `signature` is that of `message` under this key. Keys of small order and signatures in
  /// another than the canonical form are not valid.
  package func isValid(signature: RawSpan, for message: RawSpan) -> Bool {
    guard signature.byteCount == Self.signatureSize else { return false }
    return unsafe signature.withUnsafeBytes { signatureBytes in
      unsafe message.withUnsafeBytes { messageBytes in
        guard let signatureBase = unsafe signatureBytes.octets else { return false }
        return unsafe crypto_sign_verify_detached(
          signatureBase, messageBytes.octets, UInt64(messageBytes.count), bytes) == 0
      }
    }
  }
}

/// A private key of Ed25519. It stays in guarded memory, where signing reads it too.
/// - Source: RFC 8032.
package struct Ed25519PrivateKey: ~Copyable, Sendable {
  /// `seed(32) ‖ public key(32)`, as libsodium wants it.
  private let expanded: SecretBytes

  /// The public key that belongs to it.
  package let publicKey: Ed25519PublicKey

  /// How many bytes a seed has.
  package static let seedSize = 32

  /// Makes the key of `seed`, the 32 bytes that are stored.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` unless `seed` has 32 bytes;
  ///   ``CryptographyError/memoryUnavailable``; ``CryptographyError/library``.
  package init(seed: RawSpan) throws(CryptographyError) {
    guard seed.byteCount == Self.seedSize else { throw .malformedInput }
    var expanded = try SecretBytes.forCryptography(count: 64)
    var publicBytes = [UInt8](repeating: 0, count: Ed25519PublicKey.byteCount)
    let result = unsafe expanded.withMutableBytes { expandedBytes in
      unsafe seed.withUnsafeBytes { seedBytes in
        guard let expandedBase = unsafe expandedBytes.octets, let seedBase = unsafe seedBytes.octets
        else { return -1 as Int32 }
        return unsafe crypto_sign_seed_keypair(&publicBytes, expandedBase, seedBase)
      }
    }
    guard result == 0, let publicKey = Ed25519PublicKey(publicBytes.rawSpan)
    else { throw .library }
    self.publicKey = publicKey
    self.expanded = expanded
  }

  /// The 64 bytes of the signature of `message`. Signing the same message again gives the same.
  ///
  /// - Throws: ``CryptographyError/library``.
  package func sign(_ message: RawSpan) throws(CryptographyError) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Ed25519PublicKey.signatureSize)
    let result = unsafe message.withUnsafeBytes { messageBytes in
      unsafe expanded.bytes.withUnsafeBytes { expandedBytes in
        guard let expandedBase = unsafe expandedBytes.octets else { return -1 as Int32 }
        return unsafe crypto_sign_detached(
          &signature, nil, messageBytes.octets, UInt64(messageBytes.count), expandedBase)
      }
    }
    guard result == 0 else { throw .library }
    return signature
  }
}
