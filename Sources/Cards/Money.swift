/// An amount in the minor unit of its currency.
package struct Money: Hashable, Sendable {
  /// The greatest amount: twelve digits, as in ISO 8583.
  package static let largestValue: Int64 = 999_999_999_999

  /// 0 to ``largestValue``, in the currency's minor unit.
  package let value: Int64
  /// The currency, whose minor units are counted.
  package let currency: Currency

  /// - Throws: ``CardError/invalidAmount``.
  package init(value: Int64, currency: Currency) throws(CardError) {
    guard (0...Money.largestValue).contains(value) else { throw .invalidAmount }
    self.value = value
    self.currency = currency
  }

  /// The amount in the major unit, with as many digits after the point as the currency has:
  /// `49.90`, `4990` for yen.
  package var decimalText: String {
    guard currency.exponent > 0 else { return String(value) }
    var digits = String(value)
    let missing = currency.exponent + 1 - digits.utf8.count
    if missing > 0 { digits = String(repeating: "0", count: missing) + digits }
    return "\(digits.dropLast(currency.exponent)).\(digits.suffix(currency.exponent))"
  }
}

/// An active currency of ISO 4217 that has a minor unit.
package struct Currency: Hashable, Sendable {
  /// Three capital letters.
  package let code: String
  /// 1 to 999.
  package let numericCode: Int
  /// How many decimal digits the minor unit has: 0 to 4.
  package let exponent: Int

  /// The numeric code with its leading zeros: `978`, `036`.
  package var numericText: String {
    let digits = String(numericCode)
    return String(repeating: "0", count: 3 - digits.utf8.count) + digits
  }

  /// - Returns: nil for what is not the alphabetic code of an active currency.
  package init?(code: String) {
    guard let currency = Currency.byCode[code] else { return nil }
    self = currency
  }

  private init(code: String, numericCode: Int, exponent: Int) {
    self.code = code
    self.numericCode = numericCode
    self.exponent = exponent
  }

  /// Every currency, sorted by code.
  package static let all: [Currency] =
    currencyTable.sorted { $0.code < $1.code }.map {
      Currency(code: $0.code, numericCode: $0.numericCode, exponent: $0.exponent)
    }

  private static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })
}
