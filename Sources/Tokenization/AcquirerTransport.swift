package import AccessPolicy
package import Cards
package import VaultCore

/// A card on its way out of the vault; wiped when the last reference goes.
package final class ReleasedCard: Sendable {
  /// The card, to be borrowed.
  package let card: StoredCard

  /// Takes the card over.
  package init(_ card: consuming StoredCard) {
    self.card = card
  }
}

/// What came of one message to an acquirer.
package enum AcquirerOutcome: Sendable {
  /// The acquirer's decision, reduced to what its template declares.
  case answered(PaymentAnswer)
  /// Certainly not sent: no connection, or TLS failed before a byte of the request was written.
  case notSent(cause: String, error: SystemError? = nil)
  /// An answer that the mapping declares as certainly not processed.
  case rejected(code: String?, heldCardNumber: Bool = false)
  /// Time-out, dropped connection, or an answer that cannot be mapped.
  case unknown(cause: String, error: SystemError? = nil)
}

/// The acquirer's decision. Strings have the pattern and length that the template declares.
package struct PaymentAnswer: Sendable, Equatable {
  package enum Outcome: String, Sendable, CaseIterable {
    case approved
    /// The acquirer decides later: the shop asks it.
    case pending
    /// Of 3-D Secure: there is data to hand on.
    case authenticated
    /// Of 3-D Secure: the cardholder has to pass the issuer's challenge first.
    case challengeRequired = "challenge_required"
    case refused
    case authenticationRequired = "authentication_required"
  }
  package enum Reason: String, Sendable, CaseIterable {
    case insufficientFunds = "insufficient_funds"
    case limitExceeded = "limit_exceeded"
    case doNotHonour = "do_not_honour"
    case expiredCard = "expired_card"
    case lostOrStolen = "lost_or_stolen"
    case suspectedFraud = "suspected_fraud"
    case other
  }

  package var outcome: Outcome
  /// Of an approval: whether the money is on its way already; nil where the acquirer does not say.
  package var captured: Bool?
  /// Of ``Outcome/authenticated``: what the payment hands on.
  package var threeDSecure: ThreeDSecure?
  /// Of ``Outcome/challengeRequired``: told among the fields.
  package var challenge: Challenge?
  package var reason: Reason?
  package var code: String?
  package var transactionIdentifier: String?
  package var networkTransactionIdentifier: String?
  /// Minor units, where the acquirer approved less than was asked.
  package var approvedAmount: Int64?
  /// Further declared fields, in the template's order.
  package var fields: [Field]
  /// The answer held the card number, or nine or more digits of it: what held it has been dropped,
  /// and with the whole number every member but `outcome` and `approvedAmount`.
  package var heldCardNumber: Bool
  /// A member was the security code, and has been dropped.
  package var heldSecurityCode: Bool

  /// One declared field that was let through.
  package struct Field: Sendable, Equatable {
    package let name: String
    package let value: String
    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package init(
    outcome: Outcome, captured: Bool? = nil, threeDSecure: ThreeDSecure? = nil,
    challenge: Challenge? = nil, reason: Reason? = nil, code: String? = nil,
    transactionIdentifier: String? = nil, networkTransactionIdentifier: String? = nil,
    approvedAmount: Int64? = nil, fields: [Field] = [], heldCardNumber: Bool = false,
    heldSecurityCode: Bool = false
  ) {
    self.outcome = outcome
    self.captured = captured
    self.threeDSecure = threeDSecure
    self.challenge = challenge
    self.reason = reason
    self.code = code
    self.transactionIdentifier = transactionIdentifier
    self.networkTransactionIdentifier = networkTransactionIdentifier
    self.approvedAmount = approvedAmount
    self.fields = fields
    self.heldCardNumber = heldCardNumber
    self.heldSecurityCode = heldSecurityCode
  }
}

/// The way to acquirers under one generation of terms: what `AcquirerGateway` implements, and a fake in
/// tests.
package protocol AcquirerTransport: Sendable {
  /// Whether the acquirer's template for the payment's operation exists, knows each member that is
  /// present and finds each that it requires; nil when all is well.
  func check(_ payment: Payment, acquirer: String) -> Problem?

  /// Takes a place among the messages that are under way, before anything of a payment is written.
  ///
  /// - Throws: `overloaded` where the acquirer's share, the merchant's or all places are taken, and
  ///   `shutting-down`.
  func takePlace(at acquirer: String, for merchant: Merchant) throws(Problem) -> any MessagePlace
}

/// The place of one message to an acquirer. It is given back when what came of the message is known;
/// where none was sent, when the last reference goes.
package protocol MessagePlace: AnyObject, Sendable {
  /// Sends the payment once, and never again; `reply` is called exactly once, on any thread.
  func send(
    _ payment: Payment, card: ReleasedCard, identifier: PaymentIdentifier,
    reply: @escaping @Sendable (AcquirerOutcome) -> Void)

  /// Ends the message, whatever stage it is in: nobody waits for its outcome any more, and the card
  /// is not to stay in memory for it.
  func abandon()
}
