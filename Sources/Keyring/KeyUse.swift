package import RecordFormat

/// What a key of a role is used with and for: for an inventory.
package struct KeyUse: Equatable, Sendable {
  /// The algorithm, by its name in `AlgorithmDescription.all()`.
  package let algorithm: String
  /// Bits of the key.
  package let keyBits = Keyring.keySize * 8
  /// What the key protects.
  package let purpose: String
}

extension KeyRole {
  /// What keys of this role are used with and for.
  package var use: KeyUse {
    switch self {
    case .kek:
      KeyUse(algorithm: "XAES-256-GCM", purpose: "wraps the keyring")
    case .data:
      KeyUse(algorithm: "XAES-256-GCM", purpose: "seals card records and kept answers")
    case .fingerprint:
      KeyUse(
        algorithm: "HMAC-SHA-256", purpose: "makes fingerprints of cards and digests of requests")
    case .audit:
      KeyUse(
        algorithm: "Ed25519",
        purpose: "signs checkpoints of the audit log, certificates and its successor's public key")
    }
  }
}
