import Bytes
import Cryptography
import JSON

/// What the catalogue is filled with.
struct CatalogueView {
  struct Item {
    let id: String
    let name: String
    let drawing: String
    let price: String?
    let isVoucher: Bool
    let addOf: String
  }

  let words: [String: String]
  let taxNote: String
  let hint: String
  let code: String
  let wrong: String?
  let products: [Item]

  init(_ visit: Visit) {
    words = ShopWords.all(in: visit.language)
    taxNote = visit.text("tax.in")
    hint = visit.text("worth.hint")
    code = visit.currency.rawValue
    wrong = visit.fault
    products = Catalogue.products.map { product in
      let name = product.name(in: visit.language)
      let price = product.price(in: visit.currency)
      return Item(
        id: product.id, name: name, drawing: product.drawing,
        price: price?.text(in: visit.language), isVoucher: price == nil,
        addOf: visit.text("add.of", ["product": name]))
    }
  }
}

/// What the basket is filled with.
struct BasketView {
  struct Line {
    let index: String
    let name: String
    let price: String
    let quantity: String
    let amount: String
    let quantityOf: String
    let changeOf: String
    let removeOf: String
  }

  let words: [String: String]
  let isEmpty: Bool
  let toCatalogue: String
  let lines: [Line]
  let total: String
  let form: String
  let checkout: String
  let checkoutNote: String
  let signedIn: String?
  let signInWhy: String
  let signIn: String

  init(_ visit: Visit) {
    words = ShopWords.all(in: visit.language)
    let session = visit.session
    isEmpty = session.basket.isEmpty
    toCatalogue = visit.text("to.catalogue")
    lines = session.basket.enumerated().compactMap { index, line in
      guard let product = Catalogue.product(line.product),
        let price = line.price(in: visit.currency)
      else { return nil }
      let name = product.name(in: visit.language)
      let amount = Money(price.value * Int64(line.quantity), visit.currency)
      return Line(
        index: "\(index)", name: name, price: price.text(in: visit.language),
        quantity: "\(line.quantity)", amount: amount.text(in: visit.language),
        quantityOf: visit.text("quantity.of", ["product": name]),
        changeOf: visit.text("change.of", ["product": name]),
        removeOf: visit.text("remove.of", ["product": name]))
    }
    total = session.total(in: visit.currency).text(in: visit.language)
    form = session.form
    checkout = visit.text("checkout", ["amount": total])
    checkoutNote = visit.text("checkout.note")
    signedIn = session.customer.map { visit.text("signed.in", ["customer": $0]) }
    signInWhy = visit.text("sign.in.why")
    signIn = visit.text("sign.in")
  }
}

/// What the account is filled with.
struct AccountView {
  struct Card {
    let id: String
    let name: String
    let until: String?
    let mayRemove: Bool
    let removeOf: String
  }

  let words: [String: String]
  let customer: String?
  let signedIn: String
  let hasCards: Bool
  let cards: [Card]
  let cardsNone: String
  let signOut: String
  let why: String
  let hint: String
  let wrong: String?
  let signIn: String
  let demo: String

  init(_ visit: Visit, cards: [PaymentDocument.Card], mayRemove: Bool) {
    words = ShopWords.all(in: visit.language)
    customer = visit.session.customer
    signedIn = visit.text("signed.in", ["customer": customer ?? ""])
    hasCards = !cards.isEmpty
    self.cards = cards.map { card in
      let name = Self.name(of: card, in: visit.language)
      let month = card.month.flatMap { month in
        card.year.map { String(String(100 + month).dropFirst()) + "/\($0)" }
      }
      return Card(
        id: Self.id(of: card), name: name,
        until: month.map { visit.text("card.until", ["month": $0]) }, mayRemove: mayRemove,
        removeOf: visit.text("remove.of", ["product": name]))
    }
    cardsNone = visit.text("cards.none")
    signOut = visit.text("sign.out")
    why = visit.text("sign.in.why")
    hint = visit.text("customer.hint")
    wrong = visit.fault
    signIn = visit.text("sign.in")
    demo = visit.text("sign.in.demo")
  }

  /// What a page calls a kept card: a digest of its token, which stays in the shop.
  static func id(of card: PaymentDocument.Card) -> String {
    let token = Array((card.token ?? "").utf8)
    return String(Digest256.sha256(token.rawSpan).hex.prefix(32))
  }

  /// `Visa, ending in 8183`.
  static func name(of card: PaymentDocument.Card, in language: ShopLanguage) -> String {
    ShopWords.text(
      "card", in: language, ["brand": brand(card.brand), "last4": card.last4])
  }

  /// A brand as it writes itself.
  static func brand(_ name: String) -> String {
    switch name {
    case "cb": "CB"
    case "visa": "Visa"
    case "visa_electron": "Visa Electron"
    case "mastercard": "Mastercard"
    case "maestro": "Maestro"
    case "amex": "American Express"
    default: name
    }
  }
}

/// What a page of a few words is filled with.
struct MessageView {
  let words: [String: String]
  let title: String
  let text: String
  /// Where a button sends to try again.
  let retry: String?
  let toCatalogue: String

  init(_ visit: Visit, title: String, text: String, retry: String? = nil) {
    words = ShopWords.all(in: visit.language)
    self.title = title
    self.text = text
    self.retry = retry
    toCatalogue = visit.text("to.catalogue")
  }
}
