import JSON

/// What the page of an order is filled with.
struct OrderView {
  struct Line {
    let label: String
    let quantity: String
    let amount: String
  }

  let words: [String: String]
  let title: String
  let reference: String
  let tone: String
  let stateName: String
  let stateText: String
  let warning: String?
  let mayPay: Bool
  let pay: String
  /// The payment page's address of a payment that waits.
  let address: String?
  let go: String
  let mayLook: Bool
  let isOwner: Bool
  let lines: [Line]
  let total: String
  let paidBy: String?
  let orderedOn: String
  let hasInvoice: Bool
  let invoiceShow: String
  let invoiceLoad: String

  /// - Parameters:
  ///   - isOwner: whether who asks may see more than the state.
  ///   - warning: the key of a sentence below the state.
  init(_ order: ShopOrder, _ visit: Visit, isOwner: Bool, warning: String?) {
    let language = visit.language
    words = ShopWords.all(in: language)
    title = visit.text("order", ["reference": order.reference])
    reference = order.reference
    let state = order.state
    tone = state.tone
    stateName = visit.text(state.key)
    let paid = Money(order.payment?.approvedAmount ?? order.total.value, order.total.currency)
    total = order.total.text(in: language)
    stateText = visit.text(
      state.key + ".text", ["paid": paid.text(in: language), "amount": total])
    self.warning = warning.map { visit.text($0) }
    mayPay = isOwner && order.mayPayAgain
    pay = visit.text(order.payment == nil ? "pay" : "pay.again", ["amount": total])
    address = isOwner && state == .open ? order.address : nil
    go = visit.text("pay.go")
    mayLook = isOwner && [.open, .inProgress, .pending, .unknown].contains(state)
    self.isOwner = isOwner
    lines = order.lines.map { line in
      Line(
        label: line.label,
        quantity: visit.text("quantity.of", ["product": "\(line.quantity)"]),
        amount: line.amount.text(in: language))
    }
    paidBy = InvoiceView.means(of: order, in: language).map {
      visit.text("paid.with", ["means": $0])
    }
    orderedOn = visit.text("ordered.on", ["day": language.day(order.orderedAt)])
    hasInvoice = order.invoice != nil
    invoiceShow = visit.text("invoice.show")
    invoiceLoad = visit.text("invoice.load")
  }
}

extension ShopOrder.State {
  /// Of its words.
  var key: String {
    switch self {
    case .unpaid: "unpaid"
    case .open: "open"
    case .inProgress: "inProgress"
    case .paid: "paid"
    case .paidInPart: "paidInPart"
    case .pending: "pending"
    case .unknown: "unknown"
    case .refused: "refused"
    case .cancelled: "cancelled"
    case .expired: "expired"
    }
  }

  /// The class of what shows it.
  var tone: String {
    switch self {
    case .paid: "good-news"
    case .paidInPart, .pending, .unknown, .inProgress, .refused: "wait"
    case .unpaid, .open, .cancelled, .expired: "calm"
    }
  }
}

extension ShopLanguage {
  /// The day of a time in seconds since 1970, in UTC.
  func day(_ seconds: Int64) -> String { day(RFC3339.string(unixMilliseconds: seconds * 1_000)) }
}

/// What the list of orders is filled with.
struct OrdersView {
  struct Row {
    let reference: String
    let day: String
    let total: String
    let state: String
    let tone: String
  }

  let words: [String: String]
  let isEmpty: Bool
  let none: String
  let toCatalogue: String
  let orders: [Row]

  init(_ orders: [ShopOrder], _ visit: Visit) {
    words = ShopWords.all(in: visit.language)
    isEmpty = orders.isEmpty
    none = visit.text("orders.none")
    toCatalogue = visit.text("to.catalogue")
    self.orders = orders.map { order in
      Row(
        reference: order.reference, day: visit.language.day(order.orderedAt),
        total: order.total.text(in: visit.language), state: visit.text(order.state.key),
        tone: order.state.tone)
    }
  }
}

/// What an invoice is filled with: all that is needed to print it, and of a card no more than brand and last
/// four.
struct InvoiceView {
  struct Line {
    let label: String
    let quantity: String
    let price: String
    let amount: String
  }

  struct Tax {
    let name: String
    let amount: String
  }

  let language: String
  let words: [String: String]
  let title: String
  /// The address of the sheet; nil in a file, which has its style in itself.
  let sheet: String?
  let style: String?
  let duplicate: String?
  let dateWord: String
  let date: String
  let reference: String
  let customer: String?
  let lines: [Line]
  let net: String
  let taxes: [Tax]
  let total: String
  let paidByWord: String
  let paidBy: String
  let paidWord: String
  let paid: String
  let note: String
  let hint: String
  let load: String
  let back: String

  /// The invoice of a paid order, in the language in which it was ordered.
  /// - Parameters:
  ///   - now: seconds since 1970, the date of a duplicate.
  ///   - isFile: whether it is to be kept as a file.
  init(_ order: ShopOrder, _ invoice: Invoice, now: Int64, sheet: ShopPages.Sheet, isFile: Bool) {
    let language = order.language
    func text(_ key: String, _ values: [String: String] = [:]) -> String {
      ShopWords.text(key, in: language, values)
    }
    func money(_ value: Int64) -> String {
      Money(value, order.total.currency).text(in: language)
    }
    self.language = language.rawValue
    words = ShopWords.all(in: language)
    title = text("invoice.number", ["number": invoice.number])
    self.sheet = isFile ? nil : sheet.address
    style = isFile ? sheet.text : nil
    duplicate = invoice.isShown ? text("duplicate", ["day": language.day(now)]) : nil
    dateWord = text("invoice.date")
    date = language.day(invoice.billedAt)
    reference = order.reference
    customer = order.customer
    lines = order.lines.map { line in
      Line(
        label: line.label, quantity: "\(line.quantity)", price: line.price.text(in: language),
        amount: line.amount.text(in: language))
    }
    let taxes = order.taxes
    net = money(order.total.value - taxes.reduce(0) { $0 + $1.amount })
    self.taxes = taxes.map { tax in
      Tax(name: text("tax", ["percent": "\(tax.percent)"]), amount: money(tax.amount))
    }
    total = money(order.total.value)
    paidByWord = text("paid.by")
    paidBy = Self.means(of: order, in: language) ?? ""
    paidWord = text("paid.amount")
    paid = money(order.payment?.approvedAmount ?? order.total.value)
    note = text("seller.note")
    hint = text("print.hint")
    load = text("invoice.load")
    back = text("back.order")
  }

  /// How an order was paid; nil for one that is not.
  static func means(of order: ShopOrder, in language: ShopLanguage) -> String? {
    guard let payment = order.payment, payment.state == .approved else { return nil }
    guard let card = payment.card else {
      return payment.method == "paypal" ? "PayPal" : payment.method
    }
    let name = AccountView.name(of: card, in: language)
    guard let scheme = card.scheme, scheme != card.brand else { return name }
    let via = ShopWords.text("via", in: language, ["scheme": AccountView.brand(scheme)])
    return "\(name) (\(via))"
  }
}

extension ShopOrder {
  /// Value-added tax that is in the total, by rate, in the smallest unit; a half is rounded up.
  var taxes: [(percent: Int64, amount: Int64)] {
    var gross: [Int64: Int64] = [:]
    for line in lines where line.taxPercent > 0 {
      gross[line.taxPercent, default: 0] += line.amount.value
    }
    return gross.sorted { $0.key < $1.key }.map { percent, value in
      (percent, (value * percent * 2 + 100 + percent) / (2 * (100 + percent)))
    }
  }
}
