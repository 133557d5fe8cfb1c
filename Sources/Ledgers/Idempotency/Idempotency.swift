package import Cryptography

/// An idempotency key and the request that it stands for.
///
/// `requestDigest` is SHA-256 of the canonical request without `cvc` and `number`. It lives in memory
/// only: what is stored is an HMAC of it and of the card's fingerprint.
package struct Idempotency: Sendable {
  /// 1 to 255 visible ASCII characters.
  package let key: [UInt8]
  package let requestDigest: Digest256

  package init(key: [UInt8], requestDigest: Digest256) {
    self.key = key
    self.requestDigest = requestDigest
  }
}
