package import Cards
package import Ledgers
package import VaultCore

/// What a tokenize request says of the card besides its number.
package struct CardDetails: Sendable {
  package let expiry: Expiry
  package let preferredBrand: Brand?
  package let customer: CustomerReference?

  package init(expiry: Expiry, preferredBrand: Brand?, customer: CustomerReference?) {
    self.expiry = expiry
    self.preferredBrand = preferredBrand
    self.customer = customer
  }
}

/// One tokenize request whose number has been found good.
package struct TokenizeRequest: ~Copyable, Sendable {
  package let number: PAN
  package let match: BrandMatch
  /// The rest, or the first thing wrong with it: told only after replay (checks in order).
  package let details: Result<CardDetails, Problem>
  package let idempotency: Idempotency?

  /// Ends the request and gives the number.
  package consuming func takeNumber() -> PAN { number }

  package init(
    number: consuming PAN, match: BrandMatch, details: Result<CardDetails, Problem>,
    idempotency: Idempotency?
  ) {
    self.number = number
    self.match = match
    self.details = details
    self.idempotency = idempotency
  }
}

/// What a tokenize request says that gives a token in place of a number.
package struct CardRenewal: Sendable {
  /// A later one replaces the stored one.
  package let expiry: Expiry?
  package let preferredBrand: Brand?

  package init(expiry: Expiry?, preferredBrand: Brand?) {
    self.expiry = expiry
    self.preferredBrand = preferredBrand
  }
}

/// One tokenize request that gives a token in place of a number.
package struct RenewalRequest: Sendable {
  /// nil where the body held no token in its form.
  package let token: Token?
  /// The rest, or the first thing wrong with it: told only after replay and token.
  package let renewal: Result<CardRenewal, Problem>
  /// The ranges that tell the card's brands.
  package let brands: BrandTable
  package let idempotency: Idempotency?

  package init(
    token: Token?, renewal: Result<CardRenewal, Problem>, brands: BrandTable,
    idempotency: Idempotency?
  ) {
    self.token = token
    self.renewal = renewal
    self.brands = brands
    self.idempotency = idempotency
  }
}

/// One push request.
package struct PushRequest: Sendable {
  /// nil when the path held no token in its form.
  package let token: Token?
  /// The acquirer's name as the body gave it (unchecked against policy), or why there is none.
  package let acquirer: Result<String, Problem>
  package let payment: Result<Payment, Problem>
  package let idempotency: Idempotency

  package init(
    token: Token?, acquirer: Result<String, Problem>, payment: Result<Payment, Problem>,
    idempotency: Idempotency
  ) {
    self.token = token
    self.acquirer = acquirer
    self.payment = payment
    self.idempotency = idempotency
  }
}
