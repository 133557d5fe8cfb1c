import Bytes

/// The numbers that begin with a prefix between two others, and what cards with them are.
package struct BrandRange: Equatable, Sendable {
  /// How many digits a prefix has.
  package static let prefixLengths = 1...12

  /// What the cards of the range are; nil where its numbers are excluded: they are nobody's here,
  /// although a shorter prefix holds them.
  package let kind: CardKind?
  /// The lowest and the highest prefix.
  private let lowest: UInt64
  private let highest: UInt64
  /// How many digits either has.
  private let digitCount: UInt8

  /// - Parameters:
  ///   - low: the lowest prefix, 1 to 12 digits.
  ///   - high: the highest prefix, of as many digits.
  ///   - kind: what cards of the range are; nil excludes its numbers.
  /// - Throws: ``CardError/invalidRange(low:high:)`` for prefixes that are not 1 to 12 digits of
  ///   equal length in ascending order.
  package init(low: String, high: String, kind: CardKind?) throws(CardError) {
    guard BrandRange.prefixLengths.contains(low.utf8.count), low.utf8.count == high.utf8.count,
      let lowest = value(low), let highest = value(high), lowest <= highest
    else { throw .invalidRange(low: low, high: high) }
    self.kind = kind
    self.lowest = lowest
    self.highest = highest
    digitCount = UInt8(low.utf8.count)
  }

  /// As ``init(low:high:kind:)``, with a kind of its own.
  /// - Throws: ``CardError/invalidRange(low:high:)``, also where ``CardKind`` would be none.
  package init(
    low: String, high: String, lengths: Set<Int>, brand: Brand, coBrands: [Brand] = [],
    hasCheckDigit: Bool = true
  ) throws(CardError) {
    let kind = CardKind(
      lengths: lengths, brand: brand, coBrands: coBrands, hasCheckDigit: hasCheckDigit)
    guard let kind else { throw .invalidRange(low: low, high: high) }
    try self.init(low: low, high: high, kind: kind)
  }

  /// The lowest prefix.
  package var low: String { text(lowest, digits: prefixLength) }
  /// The highest prefix, of as many digits.
  package var high: String { text(highest, digits: prefixLength) }
  /// How many digits a prefix of the range has.
  package var prefixLength: Int { Int(digitCount) }
  /// The scheme whose range it is; nil where its numbers are excluded.
  package var brand: Brand? { kind?.match.brand }

  /// The range as a person would name it, for messages: `4970-4979`, or `4026`.
  package var name: String { lowest == highest ? low : "\(low)-\(high)" }

  /// The numbers of the range, cut to 12 digits.
  package var numbers: ClosedRange<UInt64> {
    let scale = powerOfTen(12 - prefixLength)
    return lowest * scale...(highest + 1) * scale - 1
  }
}

/// The value of a text of decimal digits; nil for another text.
private func value(_ digits: String) -> UInt64? {
  var value: UInt64 = 0
  for byte in digits.utf8 {
    guard isDigit(byte) else { return nil }
    value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
  }
  return value
}

/// `value` with zeros before it.
private func text(_ value: UInt64, digits: Int) -> String {
  let text = String(value)
  return String(repeating: "0", count: digits - text.utf8.count) + text
}

/// Ten to the power of `exponent`, which is 0 to 12.
func powerOfTen(_ exponent: Int) -> UInt64 {
  var result: UInt64 = 1
  for _ in 0..<exponent { result *= 10 }
  return result
}

/// Numbers of twelve digits as a person would name them: `4970-4979` for 497000000000 to 497999999999.
package func prefixes(of numbers: ClosedRange<UInt64>) -> String {
  var (low, high, digits) = (numbers.lowerBound, numbers.upperBound, 12)
  while digits > 1, low % 10 == 0, high % 10 == 9 {
    (low, high, digits) = (low / 10, high / 10, digits - 1)
  }
  let first = text(low, digits: digits)
  return low == high ? first : "\(first)-\(text(high, digits: digits))"
}
