import Bytes
import JSON

/// What the payment page tells of a payment: the answer of `GET /v1/payments/{payment}`, and the body of a
/// notification.
struct PaymentDocument: Equatable, Sendable {
  /// How a payment stands, in the page's words.
  enum State: String, Sendable {
    case open
    case inProgress = "in_progress"
    case approved, pending, refused, cancelled, expired, unknown

    /// Whether it does not change any more.
    var isFinal: Bool {
      switch self {
      case .approved, .refused, .cancelled, .expired: true
      case .open, .inProgress, .pending, .unknown: false
      }
    }
  }

  /// What may be known of a card.
  struct Card: Equatable, Sendable {
    let brand: String
    /// The scheme that was chosen; nil where it is the brand.
    let scheme: String?
    let last4: String
    let month: Int?
    let year: Int?
    /// The vault's name for it, where the shopper agreed to keep it.
    let token: String?
  }

  let payment: String
  let reference: String
  let value: Int64
  let currency: String
  let state: State
  /// `card` or `paypal`, once there was an attempt.
  let method: String?
  let card: Card?
  /// What was approved, where that is less than the amount.
  let approvedAmount: Int64?
  /// Of a notification: from 1, one more at each change.
  let sequence: Int64?

  /// Reads a document; members that are not known are left alone. Nil for what is none.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSONDocument(bytes.rawSpan, maximumDepth: 16, maximumNodes: 4_096) else {
      return nil
    }
    func member(_ name: String, _ node: JSONDocument.Node?) -> JSONDocument.Node? {
      node.flatMap { json.presentMember(name, of: $0) }
    }
    func text(_ name: String, _ node: JSONDocument.Node?) -> String? {
      member(name, node).flatMap { json.string(of: $0) }
    }
    func integer(_ name: String, _ node: JSONDocument.Node?) -> Int64? {
      member(name, node).flatMap { json.integer(of: $0) }
    }
    let root = json.root
    let amount = member("amount", root)
    guard let payment = text("payment", root), let reference = text("reference", root),
      let value = integer("value", amount), let currency = text("currency", amount),
      let state = text("state", root).flatMap({ State(rawValue: $0) })
    else { return nil }
    self.payment = payment
    self.reference = reference
    self.value = value
    self.currency = currency
    self.state = state
    method = text("method", root)
    let card = member("card", root)
    if let brand = text("brand", card), let last4 = text("last4", card),
      last4.utf8.count == 4, last4.utf8.allSatisfy({ isDigit($0) })
    {
      self.card = Card(
        brand: brand, scheme: text("scheme", card), last4: last4,
        month: integer("exp_month", card).flatMap { Int(exactly: $0) },
        year: integer("exp_year", card).flatMap { Int(exactly: $0) }, token: text("token", card))
    } else {
      self.card = nil
    }
    approvedAmount =
      integer("approved_amount", root) ?? integer("approved_amount", member("outcome", root))
    sequence = integer("sequence", root)
  }
}
