package import AccessPolicy
package import Cards
package import Cryptography

/// Who asks, as the edge proved it from the certificate.
package struct Caller: Sendable {
  /// The client's SPIFFE URI.
  package let actor: String
  package let principal: Principal
  /// What `X-Request-Id` says.
  package let requestIdentifier: String
  /// The generation of the policy under which it was admitted.
  package let policyGeneration: UInt64

  package init(
    actor: String, principal: Principal, requestIdentifier: String, policyGeneration: UInt64
  ) {
    self.actor = actor
    self.principal = principal
    self.requestIdentifier = requestIdentifier
    self.policyGeneration = policyGeneration
  }
}

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

/// The answer to a pull.
package enum PullReply: Sendable {
  case released(ReleasedCard)
  case refused(Problem)
}
