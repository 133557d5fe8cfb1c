import JSON

/// What somebody has ordered, what the payment page has told of it, and its invoice.
struct ShopOrder: Sendable {
  /// A line, with the words of the language in which it was ordered.
  struct Line: Sendable {
    let label: String
    let quantity: Int
    /// What one costs.
    let price: Money
    let taxPercent: Int64

    /// What all of them cost.
    var amount: Money { Money(price.value * Int64(quantity), price.currency) }
  }

  /// How an order stands.
  enum State: Sendable {
    /// Nobody has begun to pay, or what was begun has ended without money.
    case unpaid
    /// The page waits for the shopper.
    case open
    case inProgress
    case paid
    /// Less was approved than is due.
    case paidInPart
    /// The bank decides later.
    case pending
    /// Nobody knows whether the bank has acted.
    case unknown
    case refused, cancelled, expired
  }

  let reference: String
  let lines: [Line]
  let total: Money
  let language: ShopLanguage
  let customer: String?
  /// The browser that ordered.
  var session: String
  /// Seconds since 1970.
  let orderedAt: Int64
  /// How many payments were begun at the page.
  private(set) var attempt = 0
  /// The payment page's address for the last of them, once the page has made it.
  private(set) var address: String?
  /// What is known of each, in the order in which they were begun.
  private(set) var payments: [PaymentDocument] = []
  /// The last notification of each that was taken.
  private(set) var sequences: [String: Int64] = [:]
  private(set) var invoice: Invoice?

  init(
    reference: String, lines: [Line], currency: Currency, language: ShopLanguage,
    customer: String?, session: String, orderedAt: Int64
  ) {
    self.reference = reference
    self.lines = lines
    total = Money(lines.reduce(0) { $0 + $1.amount.value }, currency)
    self.language = language
    self.customer = customer
    self.session = session
    self.orderedAt = orderedAt
  }
}

extension ShopOrder {
  /// The payment that counts: one that is approved, else the last.
  var payment: PaymentDocument? { payments.first { $0.state == .approved } ?? payments.last }

  var state: State {
    guard let payment else { return attempt > 0 && address != nil ? .open : .unpaid }
    switch payment.state {
    case .open: return .open
    case .inProgress: return .inProgress
    case .approved:
      return payment.approvedAmount.map { $0 < total.value } == true ? .paidInPart : .paid
    case .pending: return .pending
    case .refused: return .refused
    case .cancelled: return .cancelled
    case .expired: return .expired
    case .unknown: return .unknown
    }
  }

  /// Whether another payment may be begun: none is under way, and none has brought money or may have.
  var mayPayAgain: Bool {
    switch state {
    case .unpaid, .refused, .cancelled, .expired: true
    case .open, .inProgress, .paid, .paidInPart, .pending, .unknown: false
    }
  }

  /// What a payment of this order is to be, and under which key: the same until it has ended.
  mutating func beginPayment() {
    if attempt == 0 || payments.count == attempt && mayPayAgain {
      attempt += 1
      address = nil
    }
  }

  /// The page has made the payment that was begun last.
  mutating func opened(_ payment: String, at address: String) {
    self.address = address
    if !payments.contains(where: { $0.payment == payment }) {
      payments.append(
        PaymentDocument(opened: payment, reference: reference, total: total))
    }
  }

  /// What a document of the page comes to.
  enum Taking: Sendable {
    /// It is new, and was taken.
    case taken
    /// What it tells was known, or something later was.
    case old
    /// It is no payment of this order.
    case foreign
    /// It may be the payment that is being begun: the page has not answered yet.
    case early
  }

  /// Takes what the page tells of a payment of this order.
  ///
  /// A notification counts once, and never after a later one; nothing takes back an end.
  mutating func take(_ document: PaymentDocument) -> Taking {
    guard document.reference == reference, document.value == total.value,
      document.currency == total.currency.rawValue
    else { return .foreign }
    let index = payments.firstIndex { $0.payment == document.payment }
    // Only the page's answer says which payment is this order's: the reference may be another run's too.
    guard let index else { return payments.count < attempt ? .early : .foreign }
    if let sequence = document.sequence {
      if sequence <= sequences[document.payment] ?? 0 { return .old }
      sequences[document.payment] = sequence
    }
    if payments[index].state.isFinal && document.state != payments[index].state { return .old }
    payments[index] = document
    return .taken
  }

  /// Gives the order its invoice, where it has none.
  mutating func bill(number: String, at seconds: Int64) {
    if invoice == nil { invoice = Invoice(number: number, billedAt: seconds) }
  }

  /// Counts a showing of the invoice.
  mutating func showInvoice() -> Invoice? {
    guard let shown = invoice else { return nil }
    invoice?.isShown = true
    return shown
  }
}

extension PaymentDocument {
  /// A payment of which only its beginning is known.
  fileprivate init(opened payment: String, reference: String, total: Money) {
    self.payment = payment
    self.reference = reference
    value = total.value
    currency = total.currency.rawValue
    state = .open
    method = nil
    card = nil
    approvedAmount = nil
    sequence = nil
  }
}

/// The bill of a paid order.
struct Invoice: Sendable {
  let number: String
  /// Seconds since 1970.
  let billedAt: Int64
  /// Whether it was shown before: then what is shown is a duplicate.
  var isShown = false
}
