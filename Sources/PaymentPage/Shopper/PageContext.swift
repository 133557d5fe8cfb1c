import Cards
import ConfigurationReading
import Payments

/// What a template is given, for one page.
struct PageContext {
  let view: PageView
  let renderer: PageRenderer

  init(_ view: PageView, _ renderer: PageRenderer) {
    self.view = view
    self.renderer = renderer
  }

  var visit: ShopperRoutes.Visit { view.visit }
  var payment: Payment { view.visit.payment }
  var last: Attempt? { view.visit.last }
  var language: Language { view.visit.language }
  var shop: String { view.visit.merchant.settings.shopName }

  func amount(_ value: Int64) -> String {
    guard let currency = Currency(code: payment.currency),
      let money = try? Money(value: abs(value), currency: currency)
    else { return "" }
    return (value < 0 ? "−" : "") + money.text(in: language)
  }

  /// What every sentence may be filled with.
  var values: [String: String] {
    let year = 2_000 + (Int(view.now / 31_557_600_000) + 1_970 + 3 - 2_000) % 100
    return [
      "amount": amount(payment.amount), "shop": shop,
      "bank": visit.merchant.settings.acquirerName ?? "",
      "number": last?.vaultPayment ?? payment.id,
      "brands": view.brands.map(brand).joined(separator: ", "),
      "example": "03/\(year % 100)",
    ]
  }

  func text(_ key: String, _ more: [String: String] = [:]) -> String {
    renderer.catalogue.text(key, in: language, values.merging(more) { _, new in new })
  }

  func text(_ key: String, count: Int) -> String {
    renderer.catalogue.text(key, count: count, in: language, values)
  }

  func brand(_ code: String) -> String {
    let name = renderer.catalogue.text("brand_\(code)", in: language)
    return name.hasPrefix("brand_") ? code.uppercased() : name
  }

  /// Where this page is found below the payment's address.
  private var place: String {
    switch view.screen {
    case .card: "/card"
    case .code where payment.state == .open: "/code"
    default: ""
    }
  }

  // MARK: - All pages

  var all: [String: Any] {
    var context = common(title: titleKey)
    switch view.screen {
    case .card: add(card: &context)
    case .kept: add(kept: &context)
    case .code: add(code: &context)
    case .methods: add(wallets: &context, isOnly: true)
    case .wait: add(wait: &context)
    case .refused: add(refused: &context)
    case .approved: add(approved: &context)
    case .ended, .waiting, .closed: add(end: &context)
    case .bank: break
    }
    return context
  }

  private var titleKey: String {
    switch view.screen {
    case .wait: last?.step == .wallet ? "wallet_title" : "wait_title"
    case .bank: "bank_title"
    case .code: "code_title"
    case .refused, .ended: outcomeKeys.title
    case .approved: "approved_title"
    case .waiting: payment.state == .pending ? "pending_title" : "unknown_title"
    case .closed: "closed_title"
    case .card, .kept, .methods: "title"
    }
  }

  /// What every page has.
  func common(title key: String) -> [String: Any] {
    let base = "/p/\(payment.address)"
    let isPaid = view.screen == .approved
    let paid = isPaid ? payment.approvedAmount ?? payment.amount : payment.amount
    let wallet = text("wallet_paypal")
    let name = text(key, ["wallet": wallet])
    let hasFaults = !payment.faults.isEmpty
    var title =
      key == "title" ? name : text("title_state", ["heading": name, "amount": amount(paid)])
    if hasFaults { title = text("title_error") }
    let shown = amount(paid)
    var context: [String: Any] = [
      "lang": language.rawValue, "title": title, "screen": view.screen.rawValue, "base": base,
      "now": Int(view.now / 1_000), "css": renderer.assets.css, "js": renderer.assets.js,
      "icon": renderer.assets.icon, "css_integrity": renderer.assets.cssIntegrity,
      "js_integrity": renderer.assets.jsIntegrity, "form": view.form,
      "t": renderer.catalogue.all(in: language, values), "test": renderer.isTest,
      "heading": [
        "label": text(isPaid ? "paid" : "due"), "amount": shown, "long": shown.count > 14,
      ] as [String: Any],
      "foot": foot, "assure": [Screen.card, .kept, .code].contains(view.screen),
      "cancel": payment.state == .open && visit.isFirst,
    ]
    if visit.merchant.languages.count > 1 {
      context["tongues"] = [
        "list": visit.merchant.languages.map { tongue in
          [
            "code": tongue.rawValue, "current": tongue == language,
            "href": "\(base)\(place)?lang=\(tongue.rawValue)",
            "name": text("language_\(tongue.rawValue)"),
          ] as [String: Any]
        }
      ]
    }
    if let order { context["order"] = order }
    if let time { context["time"] = time }
    if let notice = payment.notice { context["notice"] = text(notice) }
    return context
  }

  private var foot: [String: Any] {
    var foot: [String: Any] = [:]
    let settings = visit.merchant.settings
    let sentence = settings.acquirerName == nil ? "foot_plain" : "foot"
    foot["text"] = text(sentence)
    if let url = settings.privacyURL { foot["privacy_url"] = url }
    if let url = settings.helpURL { foot["help_url"] = url }
    return foot
  }

  /// The order, for the first browser; lines that do not add up to the amount have no amounts.
  private var order: [String: Any]? {
    guard visit.isFirst, view.screen != .closed,
      !payment.items.isEmpty || payment.description != nil
    else { return nil }
    var order: [String: Any] = [
      "total": amount(payment.amount), "reference": payment.reference,
    ]
    if let description = payment.description { order["description"] = description }
    let sum = payment.items.reduce(Int64(0)) { $0 &+ $1.amount }
    let lines = payment.items.map { item in
      var line: [String: Any] = ["label": item.label, "amount": amount(item.amount)]
      if let quantity = item.quantity {
        line["quantity"] = text("quantity", ["n": String(quantity)])
      }
      return line
    }
    if sum == payment.amount {
      order["lines"] = lines
    } else if !lines.isEmpty {
      order["names"] = ["list": lines]
    }
    return order
  }

  /// How long there is to pay.
  private var time: [String: Any]? {
    guard payment.state == .open, view.now < payment.expiresAt,
      [Screen.card, .kept, .methods, .code, .refused].contains(view.screen)
    else { return nil }
    let left = Int((payment.expiresAt - view.now) / 1_000)
    let minutes = max(1, left / 60)
    return [
      "left": left, "text": text("left", count: minutes),
      "value": text("left_value", count: minutes), "warn": left <= 300,
      "more": visit.isParty && visit.merchant.settings.mayProlong
        && payment.prolongations < Payment.mostProlongations,
    ]
  }
}
