/// What a shopper is to pay, as a shop has opened it, and how it stands.
///
/// It holds no card: what of one may be shown (brand, last four, month) is the attempt's, see ``Attempt``.
package struct Payment: Codable, Equatable, Sendable {
  /// A line of the order.
  package struct Item: Codable, Equatable, Sendable {
    package var label: String
    package var quantity: Int?
    /// In the smallest unit of the payment's currency.
    package var amount: Int64

    package init(label: String, quantity: Int?, amount: Int64) {
      self.label = label
      self.quantity = quantity
      self.amount = amount
    }
  }

  /// Whether the shopper is asked to keep the card.
  package enum KeepCard: String, Codable, Sendable { case offer, never }

  /// `pp_` and a UUID of version 7.
  package let id: String
  /// 128 random bits, 26 digits of Crockford's base 32: who has it may pay.
  package let address: String
  package let merchant: String
  package let reference: String
  package let amount: Int64
  package let currency: String
  package let returnURL: String
  package var customer: String?
  package var description: String?
  package var items: [Item] = []
  /// What the shop asked for; the shopper may change it.
  package var language: String?
  package var methods: [Method] = []
  package var keepCard = KeepCard.never
  /// Values of the acquirer's template that the shop has given.
  package var inputs: [String: InputValue] = [:]
  package var capture: String?
  package let createdAt: Milliseconds
  package var expiresAt: Milliseconds

  package var state = PaymentState.open
  package var endedAt: Milliseconds?
  package var method: Method?
  package var approvedAmount: Int64?
  package var kept: Consent?
  /// How often the shopper has asked for more time.
  package var prolongations = 0
  /// Of the notification that was written last.
  package var sequence = 0
  /// SHA-256 of the first browser's secret, in hexadecimal; nil before anybody came.
  package var browser: String?
  /// What is wrong with what was typed, shown once.
  package var faults: [FieldFault] = []
  /// A sentence for the form as a whole, by its key, shown once.
  package var notice: String?
  /// What the shopper has chosen of the form that was wrong.
  package var choices = FormChoices()

  package init(
    id: String, address: String, merchant: String, reference: String, amount: Int64,
    currency: String, returnURL: String, createdAt: Milliseconds, expiresAt: Milliseconds
  ) {
    self.id = id
    self.address = address
    self.merchant = merchant
    self.reference = reference
    self.amount = amount
    self.currency = currency
    self.returnURL = returnURL
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }
}

/// Since 1970-01-01T00:00:00Z.
package typealias Milliseconds = Int64

/// What a shopper pays with.
package enum Method: String, Codable, Sendable, CaseIterable { case card, paypal }

/// How a payment stands, in the words of the shops' interface.
package enum PaymentState: String, Codable, Sendable, CaseIterable {
  case open
  case inProgress = "in_progress"
  case approved, pending, refused, cancelled, expired, unknown

  /// Whether it does not change any more.
  package var isFinal: Bool {
    switch self {
    case .approved, .refused, .cancelled, .expired: true
    case .open, .inProgress, .pending, .unknown: false
    }
  }
}

extension PaymentState {
  /// Whether it is certain that nothing is charged, and that nobody may have been asked for money.
  package var chargesNothing: Bool {
    switch self {
    case .open, .refused, .cancelled, .expired: true
    case .inProgress, .approved, .pending, .unknown: false
    }
  }
}

/// That a shopper agreed to keep a card, as proof.
package struct Consent: Codable, Equatable, Sendable {
  /// Which text was shown: the version of `keep` and `keep_hint` in the catalogue.
  package let text: String
  package let language: String
  package let at: Milliseconds

  package static let currentText = "keep-1"

  package init(text: String = Consent.currentText, language: String, at: Milliseconds) {
    self.text = text
    self.language = language
    self.at = at
  }
}

/// A value for the acquirer's template.
package enum InputValue: Codable, Equatable, Sendable {
  case text(String)
  case integer(Int64)
  case boolean(Bool)
}

/// What of a form with mistakes is shown again; never what was typed of a card.
package struct FormChoices: Codable, Equatable, Sendable {
  package var scheme: String?
  package var keep = false
  /// The kept card that was chosen, by the id that the payment gave it.
  package var card: String?

  package init() {}
}

/// A mistake in one field: the key of its sentence in the catalogue, and what that is filled with.
package struct FieldFault: Codable, Equatable, Sendable {
  package enum Field: String, Codable, Sendable { case number, expiry, cvc, name, scheme, card }

  package let field: Field
  package let key: String
  package var values: [String: String] = [:]

  package init(_ field: Field, _ key: String, _ values: [String: String] = [:]) {
    self.field = field
    self.key = key
    self.values = values
  }
}
