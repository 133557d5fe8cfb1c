import Bytes
import JSON

/// A payment message, read and checked. The card's number is not in it: it stays in the request.
struct SimulatorMessage {
  let operation: SimulatorDialect.Operation
  let paymentIdentifier: String
  let amount: Int64
  let currency: String
  let expiry: SimulatorExpiry
  let hasThreeDSecure: Bool
  /// Whether it waits for a capture once it is approved.
  let isCapturedLater: Bool
  /// Where the browser goes after a challenge.
  let notificationURL: String?
  let reference: String?
  /// Where the digits of the card stand in the request's body.
  let cardNumber: Range<Int>
  /// Where those of its security code stand; empty where there is none.
  let securityCode: Range<Int>
  /// What its reference has the answer give away.
  let echo: SimulatorEcho?

  /// Why a message was refused; the log names the member.
  struct Refusal: Error {
    /// The message's identifier, where that much could be read.
    var paymentIdentifier: String?
    let member: String
  }

  /// Reads `body`.
  /// - Throws: ``Refusal`` for the first member that is not as the dialect says.
  init(_ body: RawSpan, operation: SimulatorDialect.Operation) throws(Refusal) {
    guard let document = try? JSONDocument(body) else { throw Refusal(member: "(not JSON)") }
    let identifier = document.member("payment_id", of: document.root)
      .flatMap { document.string(of: $0) }
      .flatMap { Self.isIdentifier($0, longest: 64) ? $0 : nil }
    do throws(Refusal) {
      guard let identifier else { throw Refusal(member: "payment_id") }
      try self.init(document, operation: operation, paymentIdentifier: identifier)
    } catch {
      throw Refusal(paymentIdentifier: identifier, member: error.member)
    }
  }

  private init(
    _ document: JSONDocument, operation: SimulatorDialect.Operation,
    paymentIdentifier: String
  ) throws(Refusal) {
    let root = document.root
    try document.require(SimulatorDialect.message, of: root, named: "")
    let merchant = try document.text("merchant_id", of: root, longest: 32)
    guard Self.isIdentifier(merchant, longest: 32) else { throw Refusal(member: "merchant_id") }

    var value: Int64 = 0
    var currency = ""
    if let amount = document.member("amount", of: root) {
      try document.require(SimulatorDialect.amount, of: amount, named: "amount")
      value = try document.integer("value", of: amount)
      currency = try document.text("currency", of: amount, longest: 3)
      guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (0x41...0x5a).contains($0) })
      else { throw Refusal(member: "currency") }
    } else if operation != .verify {
      throw Refusal(member: "amount")
    }
    guard value >= 0, operation != .verify || value == 0 else { throw Refusal(member: "value") }

    guard let card = document.member("card", of: root) else { throw Refusal(member: "card") }
    try document.require(SimulatorDialect.card, of: card, named: "card")
    cardNumber = try document.digits("pan", of: card, count: 12...19)
    let month = try document.number("expiry_month", of: card, digits: 2)
    let year = try document.number("expiry_year", of: card, digits: 4)
    guard (1...12).contains(month) else { throw Refusal(member: "expiry_month") }
    securityCode =
      document.member("security_code", of: card) == nil
      ? 0..<0 : try document.digits("security_code", of: card, count: 3...4)

    let initiator = try document.optionalText("initiator", of: root, longest: 16)
    guard initiator == nil || ["CARDHOLDER", "MERCHANT", "MOTO"].contains(initiator) else {
      throw Refusal(member: "initiator")
    }
    let capture = try document.optionalText("capture", of: root, longest: 16)
    guard capture == nil || ["AUTO", "MANUAL"].contains(capture) else {
      throw Refusal(member: "capture")
    }
    isCapturedLater = capture == "MANUAL"
    reference = try document.optionalText("order_reference", of: root, longest: 64)
    echo = reference.flatMap { SimulatorEcho(rawValue: $0) }
    notificationURL = try document.optionalText("notification_url", of: root, longest: 2_048)
    guard notificationURL?.hasPrefix("https://") != false else {
      throw Refusal(member: "notification_url")
    }
    for name in ["cardholder_name", "email"] {
      _ = try document.optionalText(name, of: root, longest: 256)
    }
    if let browser = document.member("browser", of: root) {
      try document.require(SimulatorDialect.browser, of: browser, named: "browser")
    }
    _ = try document.optionalText("sca_exemption", of: root, longest: 32)
    hasThreeDSecure = try document.texts("three_ds", SimulatorDialect.threeDSecure, of: root)
    _ = try document.texts("stored_credential", SimulatorDialect.storedCredential, of: root)

    self.operation = operation
    self.paymentIdentifier = paymentIdentifier
    self.amount = value
    self.currency = currency
    expiry = SimulatorExpiry(year: year, month: month)
  }

  private static func isIdentifier(_ text: String, longest: Int) -> Bool {
    (1...longest).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        isLetterOrDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
  }
}

/// A question about a challenge, read and checked.
struct AuthenticationQuestion {
  let paymentIdentifier: String
  let transaction: String

  /// - Throws: ``SimulatorMessage/Refusal`` for the first member that is not as the dialect says.
  init(_ body: RawSpan) throws(SimulatorMessage.Refusal) {
    guard let document = try? JSONDocument(body) else { throw .init(member: "(not JSON)") }
    try document.require(SimulatorDialect.question, of: document.root, named: "")
    paymentIdentifier = try document.text("payment_id", of: document.root, longest: 64)
    transaction = try document.text(
      "three_ds_server_transaction_id", of: document.root, longest: 36)
  }
}

/// The month that is printed on a card.
struct SimulatorExpiry: Equatable {
  let year: Int
  let month: Int

  /// Whether the card is past it: from 12:00 UTC on the first of the month after.
  func isPast(at unixSeconds: Int64) -> Bool {
    let next = month == 12 ? (year: year + 1, month: 1) : (year: year, month: month + 1)
    let days = RFC3339.daysSinceEpoch(year: next.year, month: next.month, day: 1)
    return unixSeconds >= Int64(days) * 86_400 + 43_200
  }
}
