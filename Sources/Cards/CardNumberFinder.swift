import Bytes

/// Tells whether a text of any language holds a card number, as ``BrandTable/findsNumber(in:)`` does for
/// ASCII: digits of every script count, and what is neither letter nor digit separates. Scalars go by one
/// at a time, so that nothing of a text has to be kept before it is known to hold none.
package struct CardNumberFinder {
  private let table: BrandTable
  private var groups = DigitGroups()
  private var isFound = false

  /// - Parameter table: tells a card number from another one.
  package init(_ table: BrandTable) { self.table = table }

  /// Takes the next scalar of the text.
  package mutating func take(_ scalar: Unicode.Scalar) {
    if let digit = scalar.digitValue { return groups.take(digit: digit) }
    let found = groups.endGroup(separates: !scalar.properties.isAlphabetic, table.couldHold)
    isFound = isFound || found
  }

  /// Takes the digits of a whole number, one after the other: it may be a card's, in a place where none
  /// belongs.
  package mutating func take(_ number: UInt64) {
    var power: UInt64 = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      groups.take(digit: Int(number / power % 10))
      power /= 10
    }
  }

  /// Ends the text.
  ///
  /// - Returns: whether a card number was in it.
  package mutating func finish() -> Bool {
    groups.endGroup(separates: false, table.couldHold) || isFound
  }
}

extension Unicode.Scalar {
  /// What a digit of any script is worth, `٣`, `³` and `③` as much as `3`; nil for any other scalar.
  fileprivate var digitValue: Int? {
    if isASCII { return isDigit(UInt8(value)) ? Int(value) - 0x30 : nil }
    guard let type = properties.numericType, type != .numeric,
      let worth = properties.numericValue, (0...9).contains(worth)
    else { return nil }
    return Int(worth)
  }
}
