import Bytes
import Cryptography
import Mustache

/// The shop's pages: templates, and what they are filled with.
struct ShopPages: Sendable {
  /// What every page is drawn with.
  struct Frame: Sendable {
    enum Place: Sendable { case catalogue, basket, orders, account, other }

    let visit: Visit
    let place: Place
    let title: String
  }

  /// A file that never changes under its address.
  struct Sheet: Sendable {
    let address: String
    let text: String

    init(_ name: String, _ bytes: [UInt8]) {
      let digest = Digest256.sha256(bytes.rawSpan).hex.prefix(16)
      address = "/a/\(name).\(digest).css"
      text = String(decoding: bytes, as: UTF8.self)
    }
  }

  let sheet: Sheet
  let invoiceSheet: Sheet
  private let library: MustacheLibrary

  /// - Throws: ``DevelopmentError/unexpected(_:)`` for a template that is none.
  init() throws(DevelopmentError) {
    sheet = Sheet("shop", PackageResources.shop_css)
    invoiceSheet = Sheet("invoice", PackageResources.invoice_css)
    let templates = [
      ("layout", PackageResources.layout_mustache),
      ("catalogue", PackageResources.catalogue_mustache),
      ("basket", PackageResources.basket_mustache), ("order", PackageResources.order_mustache),
      ("orders", PackageResources.orders_mustache), ("account", PackageResources.account_mustache),
      ("message", PackageResources.message_mustache),
      ("invoice", PackageResources.invoice_mustache),
    ]
    var library = MustacheLibrary()
    for (name, bytes) in templates {
      do { try library.register(String(decoding: bytes, as: UTF8.self), named: name) } catch {
        throw .unexpected("the template \(name): \(error)")
      }
    }
    self.library = library
  }

  /// A whole page: `view` in the template `name`, inside the layout.
  func page<View>(_ name: String, _ view: View, in frame: Frame) -> String {
    let visit = frame.visit
    let count = visit.session.basket.reduce(0) { $0 + $1.quantity }
    return render(
      "layout",
      LayoutView(
        language: visit.language.rawValue, title: frame.title, sheet: sheet.address,
        words: ShopWords.all(in: visit.language), path: visit.path,
        isBasket: frame.place == .basket, isOrders: frame.place == .orders,
        isAccount: frame.place == .account, count: count > 0 ? "\(count)" : nil,
        notice: visit.notice,
        languages: ShopLanguage.allCases.map {
          ChoiceView(code: $0.rawValue, name: $0.name, isChosen: $0 == visit.language)
        },
        currencies: Currency.allCases.map {
          ChoiceView(code: $0.rawValue, name: $0.rawValue, isChosen: $0 == visit.currency)
        }, main: render(name, view)))
  }

  /// The invoice alone.
  func invoice(_ view: InvoiceView) -> String { render("invoice", view) }

  private func render<View>(_ name: String, _ view: View) -> String {
    guard let text = library.render(view, withTemplate: name) else {
      preconditionFailure("there is no template \(name)")
    }
    return text
  }
}

/// What is around every page.
struct LayoutView {
  let language: String
  let title: String
  let sheet: String
  let words: [String: String]
  let path: String
  let isBasket: Bool
  let isOrders: Bool
  let isAccount: Bool
  let count: String?
  let notice: String?
  let languages: [ChoiceView]
  let currencies: [ChoiceView]
  let main: String
}

/// A language or a currency to choose.
struct ChoiceView {
  let code: String
  let name: String
  let isChosen: Bool
}
