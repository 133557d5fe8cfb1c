/// What the shop sells.
struct Product: Sendable {
  /// Its name in addresses and forms.
  let id: String
  /// Its name in French, English and German.
  let names: [String]
  /// Its price, taxes included, in the order of ``Currency/allCases``; empty where the shopper names it.
  let prices: [Int64]
  /// A line drawing: the path of an SVG of 64 by 64.
  let drawing: String

  func name(in language: ShopLanguage) -> String { names[language.index] }

  /// The price of one; nil where the shopper names it.
  func price(in currency: Currency) -> Money? {
    guard let index = Currency.allCases.firstIndex(of: currency), prices.indices.contains(index)
    else { return nil }
    return Money(prices[index], currency)
  }

  /// Value-added tax in the price, in percent: none is due on a voucher before it is used.
  var taxPercent: Int64 { prices.isEmpty ? 0 : Catalogue.taxPercent }
}

/// The products, in their order in the shop.
enum Catalogue {
  /// Value-added tax, in percent.
  static let taxPercent: Int64 = 20
  /// How much a voucher may be worth, in the smallest unit.
  static let voucher: ClosedRange<Int64> = 100...999_999_999
  /// How many of a product one order may hold.
  static let greatestQuantity = 20

  static let products = [
    Product(
      id: "scarf",
      names: ["Écharpe en laine, bleu nuit", "Wool scarf, midnight blue", "Wollschal, nachtblau"],
      prices: [3_990, 4_290, 3_490, 3_900],
      drawing: "M20 8c8 6 16 6 24 0v14c-8 6-16 6-24 0zM24 25v29m5-28v31m6-31v27m5-28v24"),
    Product(
      id: "teapot", names: ["Théière en grès", "Stoneware teapot", "Teekanne aus Steinzeug"],
      prices: [5_400, 5_900, 4_700, 5_300],
      drawing:
        "M18 28h26c4 14-2 26-13 26S14 42 18 28zM22 28c2-10 16-10 18 0M31 20v-5M44 32c10-4 12 12 1 13M17 36l-9-8"
    ),
    Product(
      id: "notebook", names: ["Carnet en lin", "Linen notebook", "Notizbuch in Leinen"],
      prices: [1_250, 1_390, 1_090, 1_200],
      drawing: "M16 8h32v48H16zM24 8v48M31 18h11M31 25h11"),
    Product(
      id: "lamp", names: ["Lampe de bureau", "Desk lamp", "Schreibtischlampe"],
      prices: [12_900, 13_900, 11_200, 12_500],
      drawing: "M12 56h26M25 56V44l-8-14 16-16M30 8l16 16-10 6-12-12zM44 32l4 6M50 26l7 3"),
    Product(
      id: "blanket",
      names: ["Plaid en laine d’agneau", "Lambswool blanket", "Decke aus Lammwolle"],
      prices: [24_500, 26_500, 21_500, 23_900],
      drawing:
        "M10 20h44v28H10zM10 29h44M10 39h44M22 20v28M42 20v28M13 48v6m9-6v6m10-6v6m10-6v6m9-6v6"),
    Product(
      id: "voucher", names: ["Carte cadeau", "Gift card", "Geschenkkarte"], prices: [],
      drawing: "M8 20h48v28H8zM32 20v28M8 32h48M32 20c-14-14-16 0 0 0s14-14 0 0"),
  ]

  static func product(_ id: String) -> Product? { products.first { $0.id == id } }
}

/// A line of a basket.
struct BasketLine: Equatable, Sendable {
  let product: String
  var quantity: Int
  /// What a voucher is worth, in the smallest unit; nil for what has a price.
  var worth: Int64?

  /// What one costs; nil for a product that is not sold.
  func price(in currency: Currency) -> Money? {
    worth.map { Money($0, currency) } ?? Catalogue.product(product)?.price(in: currency)
  }
}
