/// One browser: what it has in its basket, and who has signed in with it.
struct ShopSession: Sendable {
  /// How many lines a basket may have.
  static let lineLimit = 20

  let id: String
  var basket: [BasketLine] = []
  /// The merchant's own reference of a customer, such as `c-1042`.
  var customer: String?
  /// Of the form that orders the basket: one order comes of it, however often it is sent.
  var form = RandomText.token()

  /// What the next page says first, once.
  var notice: String?
  /// What was wrong with what was typed last, shown once.
  var fault: String?

  init(id: String = RandomText.token()) { self.id = id }

  /// Puts one more of a product into the basket.
  mutating func add(_ product: Product, worth: Int64?) {
    let index = basket.firstIndex { $0.product == product.id && $0.worth == worth }
    if let index {
      basket[index].quantity = min(basket[index].quantity + 1, Catalogue.greatestQuantity)
    } else if basket.count < Self.lineLimit {
      basket.append(BasketLine(product: product.id, quantity: 1, worth: worth))
    }
  }

  /// Makes the line at `index` so many; none takes it away.
  mutating func set(_ index: Int, to quantity: Int) {
    guard basket.indices.contains(index), quantity >= 0 else { return }
    if quantity == 0 {
      basket.remove(at: index)
    } else {
      basket[index].quantity = min(quantity, Catalogue.greatestQuantity)
    }
  }

  /// What the basket comes to.
  func total(in currency: Currency) -> Money {
    Money(
      basket.reduce(0) { $0 + ($1.price(in: currency)?.value ?? 0) * Int64($1.quantity) }, currency)
  }

  /// Whether it is a reference that the page and the vault take.
  static func isCustomer(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || "_.:-".utf8.contains(byte)
      }
  }
}
