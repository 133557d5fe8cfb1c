/// One try to pay, from the button to what came of it.
package struct Attempt: Codable, Equatable, Sendable {
  /// How far it has come. What is written here was durable before the next thing was done.
  package enum Step: String, Codable, Sendable {
    /// Nothing has been asked of anybody, or the vault is being asked for a token.
    case started
    /// The vault has the card. Whatever is done up to ``authorizing`` charges nothing.
    case tokenized
    /// The shopper is at the bank's page.
    case challenge
    /// The bank has confirmed; the code of the card is to be typed again.
    case code
    /// The acquirer may have been asked for money.
    case authorizing
    /// The shopper is at a wallet.
    case wallet
    case ended
  }

  /// What came of it.
  package enum Result: String, Codable, Sendable {
    case approved, pending, refused, unknown
    /// The bank did not confirm who pays; nothing was charged.
    case unconfirmed
    /// The bank's page or the acquirer did not answer before anything was sent; nothing was charged.
    case down
    /// What was typed cannot be a card that the shop takes.
    case mistaken
    /// Something of ours failed before anything was sent.
    case fault
    /// The shopper came back from the wallet without paying.
    case left
  }

  package var id: Int64?
  package let payment: String
  /// Of the form that asked for it: one form, one attempt.
  package let form: String
  package let method: Method
  /// SHA-256 of the secret of the browser that began it, in hexadecimal.
  package var owner: String?
  package var step = Step.started
  package var result: Result?
  package let startedAt: Milliseconds
  package var endedAt: Milliseconds?

  // The card, as far as it may be known.
  package var token: String?
  /// Whether the vault had made the token for this attempt (`201`): only then may it be deleted.
  package var hasMadeToken = false
  /// Whether the token is to be deleted and has not been.
  package var owesDeletion = false
  /// Whether the vault may have made a token that never became known here.
  package var mayHideToken: Bool?
  /// Whether it failed before the vault, the 3-D Secure server, the acquirer or the wallet was reached.
  package var hasReachedNobody: Bool?
  package var card: CardView?
  /// Whether the card is one that the shopper had kept before.
  package var isKeptCard = false
  package var consent: Consent?

  // What the vault said.
  package var vaultPayment: String?
  /// The reason of a refusal, as the vault gives it.
  package var reason: String?
  /// The vault's last answer, as it came: nothing of it is a card.
  package var outcome: String?
  package var captured: Bool?
  package var approvedAmount: Int64?

  // 3-D Secure.
  /// What an authorization hands on of an authentication: the vault's object.
  package var threeDS: String?
  package var challenge: Challenge?
  /// Whether the acquirer has asked for a challenge after all, which it may once.
  package var hasSoftDecline = false

  /// The wallet's own number of the order.
  package var walletOrder: String?
  package var walletURL: String?
  /// What was sent to the acquirer, without the card's code: asked for again after a crash.
  package var request: String?
  /// When that was.
  package var askedAt: Milliseconds?
  package var browser: [String: InputValue] = [:]

  package init(payment: String, form: String, method: Method, startedAt: Milliseconds) {
    self.payment = payment
    self.form = form
    self.method = method
    self.startedAt = startedAt
  }
}

/// What may be shown and told of a card.
package struct CardView: Codable, Equatable, Sendable {
  package var brand: String
  package var brands: [String]
  /// What the shopper has chosen of two.
  package var scheme: String?
  package var last4: String
  package var month: Int
  package var year: Int

  package init(
    brand: String, brands: [String], scheme: String?, last4: String, month: Int, year: Int
  ) {
    self.brand = brand
    self.brands = brands
    self.scheme = scheme
    self.last4 = last4
    self.month = month
    self.year = year
  }
}

/// A challenge of 3-D Secure, as the issuer's access control server takes it.
package struct Challenge: Codable, Equatable, Sendable {
  package let url: String
  package let request: String
  /// The 3-D Secure server's transaction.
  package let transaction: String
  package let begunAt: Milliseconds

  package init(url: String, request: String, transaction: String, begunAt: Milliseconds) {
    self.url = url
    self.request = request
    self.transaction = transaction
    self.begunAt = begunAt
  }
}
