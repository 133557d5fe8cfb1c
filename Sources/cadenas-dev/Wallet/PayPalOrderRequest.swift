import Bytes
import JSON

/// What `POST /v2/checkout/orders` asks for.
struct PayPalOrderRequest: Sendable {
  /// The currencies that the simulator takes; all have two decimals.
  static let currencies = ["EUR", "USD", "GBP", "CHF"]
  private static let longestText = 127

  let currency: String
  /// As it was sent: digits, a point, two digits.
  let value: String
  /// The value in the currency's smallest unit.
  let minorUnits: Int64
  /// `reference_id` of the purchase unit.
  let reference: String?
  /// `invoice_id` of the purchase unit.
  let invoice: String?
  /// Where the payer goes after approving, and after cancelling.
  let returnAddress: String
  let cancelAddress: String
  /// Whether the button says that it pays (`user_action` is `PAY_NOW`).
  let paysNow: Bool
  /// Whether `payment_source` is named, as it should be today, or the older `application_context`.
  let namesSource: Bool

  /// Reads a body.
  /// - Throws: ``PayPalError/invalid(field:issue:)`` for the first field that is absent or wrong.
  init(_ body: RawSpan) throws(PayPalError) {
    guard let json = try? JSONDocument(body, maximumDepth: 8) else { throw .malformed }
    func member(_ name: String, _ node: JSONDocument.Node?) -> JSONDocument.Node? {
      node.flatMap { json.presentMember(name, of: $0) }
    }
    func text(_ name: String, _ node: JSONDocument.Node?) -> String? {
      member(name, node).flatMap { json.string(of: $0) }
    }
    guard text("intent", json.root) == "CAPTURE" else {
      throw .invalid(field: "/intent", issue: "INVALID_PARAMETER_VALUE")
    }
    var units = json.elements(of: member("purchase_units", json.root) ?? json.root).makeIterator()
    guard let unit = units.next(), units.next() == nil else {
      throw .invalid(field: "/purchase_units", issue: "INVALID_ARRAY_MAX_ITEMS")
    }
    let amount = member("amount", unit)
    guard let currency = text("currency_code", amount), Self.currencies.contains(currency) else {
      throw .invalid(
        field: "/purchase_units/@reference_id=='default'/amount/currency_code",
        issue: "INVALID_CURRENCY_CODE")
    }
    guard let value = text("value", amount), let units = Self.minorUnits(value) else {
      throw .invalid(
        field: "/purchase_units/@reference_id=='default'/amount/value", issue: "DECIMAL_PRECISION")
    }
    let source = member("experience_context", member("paypal", member("payment_source", json.root)))
    let context = source ?? member("application_context", json.root)
    guard let returning = text("return_url", context), Self.isAddress(returning) else {
      throw .invalid(
        field: "/payment_source/paypal/experience_context/return_url",
        issue: "MISSING_REQUIRED_PARAMETER")
    }
    guard let cancelling = text("cancel_url", context), Self.isAddress(cancelling) else {
      throw .invalid(
        field: "/payment_source/paypal/experience_context/cancel_url",
        issue: "MISSING_REQUIRED_PARAMETER")
    }
    self.currency = currency
    self.value = value
    minorUnits = units
    reference = text("reference_id", unit).map { String($0.prefix(Self.longestText)) }
    invoice = text("invoice_id", unit).map { String($0.prefix(Self.longestText)) }
    returnAddress = returning
    cancelAddress = cancelling
    paysNow = text("user_action", context) == "PAY_NOW"
    namesSource = source != nil
  }

  /// 4990 of `49.90`; nil for what is not written so, or is nothing.
  static func minorUnits(_ value: String) -> Int64? {
    let parts = value.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].utf8.count == 2, (1...10).contains(parts[0].utf8.count),
      parts.allSatisfy({ $0.utf8.allSatisfy { isDigit($0) } }),
      let units = Int64(parts[0] + parts[1]), units > 0
    else { return nil }
    return units
  }

  private static func isAddress(_ text: String) -> Bool {
    text.hasPrefix("https://") && text.utf8.count <= 2_048
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }
}
