/// A card as a record keeps it.
package struct StoredCard: ~Copyable, Sendable {
  /// The number, in secret memory.
  package let pan: PAN
  /// The month printed on the card as its last.
  package var expiry: Expiry
  /// The scheme that the cardholder chose, if they did.
  package var preferredBrand: Brand?
  /// The customer within whom the card is deduplicated, where one was given.
  package let customer: CustomerReference?
  /// Whether the card is in the fingerprint index, so that the same number finds it again.
  package let isDeduplicated: Bool

  /// Puts a card together.
  package init(
    pan: consuming PAN, expiry: Expiry, preferredBrand: Brand? = nil,
    customer: CustomerReference? = nil, isDeduplicated: Bool = true
  ) {
    self.pan = pan
    self.expiry = expiry
    self.preferredBrand = preferredBrand
    self.customer = customer
    self.isDeduplicated = isDeduplicated
  }
}

/// What a shop may know of a card: the answer of tokenize. Nothing here is secret.
package struct TokenView: Equatable, Sendable {
  /// What the shop holds in place of the number.
  package let token: Token
  /// The scheme whose range the number lies in.
  package let brand: Brand
  /// All schemes that the card carries.
  package let brands: [Brand]
  /// The scheme that the cardholder chose, if they did.
  package let preferredBrand: Brand?
  /// The first six digits, or eight for a merchant that is shown as many; nil below 15 digits.
  package let bin: String?
  /// The last four digits.
  package let last4: String
  /// The month printed on the card as its last.
  package let expiry: Expiry

  /// When the token was given, in milliseconds since 1970-01-01T00:00:00Z.
  package var createdAtMilliseconds: UInt64 { token.milliseconds }

  /// - Parameters:
  ///   - token: the card's token.
  ///   - pan: the card's number, of which the first and last digits are shown.
  ///   - match: what the brand table says of the number.
  ///   - expiry: the expiry that is stored.
  ///   - preferredBrand: the brand that the cardholder chose.
  ///   - binDigits: how many first digits the merchant is shown: 6 or 8, see ``PAN/shownFirstDigits(of:)``.
  package init(
    token: Token, pan: borrowing PAN, match: BrandMatch, expiry: Expiry, preferredBrand: Brand?,
    binDigits: Int = 6
  ) {
    self.token = token
    self.expiry = expiry
    self.preferredBrand = preferredBrand
    brand = match.brand
    brands = match.brands
    bin = pan.bin(digits: binDigits)
    last4 = pan.last4
  }
}
