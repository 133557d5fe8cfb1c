/// The currencies of the shop, by their ISO 4217 codes; all have two decimals.
enum Currency: String, CaseIterable, Sendable {
  case eur = "EUR"
  case usd = "USD"
  case gbp = "GBP"
  case chf = "CHF"
}

/// An amount in the smallest unit of its currency.
struct Money: Equatable, Sendable {
  var value: Int64
  let currency: Currency

  init(_ value: Int64, _ currency: Currency) {
    self.value = value
    self.currency = currency
  }

  /// As people write it: `1 234,50 €`, `€1,234.50`, `1.234,50 €`.
  ///
  /// - Source: CLDR, for fr-FR, en-GB and de-DE.
  func text(in language: ShopLanguage) -> String {
    let number = Self.number(value, in: language)
    let space = "\u{A0}"
    return switch (language, currency) {
    case (.french, .eur), (.german, .eur): number + space + "€"
    case (.french, .usd): number + space + "$US"
    case (.french, .gbp): number + space + "£GB"
    case (.english, .eur): "€" + number
    case (.english, .usd): "US$" + number
    case (.english, .gbp): "£" + number
    case (.english, .chf): "CHF" + space + number
    case (.german, .usd): number + space + "$"
    case (.german, .gbp): number + space + "£"
    case (.french, .chf), (.german, .chf): number + space + "CHF"
    }
  }

  private static func number(_ value: Int64, in language: ShopLanguage) -> String {
    let (group, point) =
      switch language {
      case .french: ("\u{202F}", ",")
      case .english: (",", ".")
      case .german: (".", ",")
      }
    var whole = ""
    for (position, digit) in String(value / 100).reversed().enumerated() {
      if position > 0 && position % 3 == 0 { whole = group + whole }
      whole = String(digit) + whole
    }
    return whole + point + String(value % 100 + 100).dropFirst()
  }

  /// Reads what a person types: digits, with or without a point or comma and one or two decimals.
  /// - Returns: the amount in the smallest unit; nil for anything else, and beyond 9,999,999.99.
  static func typed(_ text: String) -> Int64? {
    let plain = text.filter { !$0.isWhitespace && $0 != "’" && $0 != "'" }
    let parts = plain.split(
      maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "," })
    guard let whole = parts.first, (1...7).contains(whole.utf8.count),
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else { return nil }
    guard parts.count == 2 else { return Int64(whole).map { $0 * 100 } }
    guard (1...2).contains(parts[1].utf8.count) else { return nil }
    return Int64(whole + parts[1] + (parts[1].utf8.count == 1 ? "0" : ""))
  }
}
