internal import Bytes
package import Cards
package import Cryptography

/// The keyed digest by which a card is found again, version 1.
///
/// Message: `"cadenas/fp/v1" ‖ merchant number(4) ‖ length(1) ‖ customer ‖ length(1) ‖ digits`,
/// numbers big-endian, customer and digits in ASCII; without a customer its length is 0.
/// The digest is HMAC-SHA-256 under a fingerprint key.
package enum Fingerprint {
  /// The fingerprint of a card within a merchant, and within a customer where one is given.
  ///
  /// - Parameters:
  ///   - pan: the card's number; it is lent to the authenticator and not copied.
  ///   - merchant: the merchant's number.
  ///   - customer: the customer within whom the card is looked for, or nil.
  ///   - authenticator: HMAC under the fingerprint key; a message that it had begun is forgotten.
  /// - Returns: 32 bytes that say nothing about the number without the key.
  package static func compute(
    of pan: borrowing PAN, merchant: UInt32, customer: CustomerReference?,
    with authenticator: inout MessageAuthenticator
  ) -> Digest256 {
    authenticator.begin()
    authenticator.update("cadenas/fp/v1")
    authenticator.update(bigEndian: merchant)
    if let text = customer?.text {
      authenticator.update(byte: UInt8(text.utf8.count))
      authenticator.update(text.utf8Span.span.rawSpan)
    } else {
      authenticator.update(byte: 0)
    }
    authenticator.update(byte: UInt8(pan.count))
    authenticator.update(pan.digits)
    return authenticator.finish()
  }
}
