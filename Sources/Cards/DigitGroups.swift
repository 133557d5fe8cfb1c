import Bytes

/// Finds what could be card numbers in a text as it goes by: 12 to 19 digits, which are one group of
/// digits or several that follow each other with no letter between.
///
/// A number that somebody has put into a text begins where a group begins and ends where one ends;
/// any sixteen digits out of a longer row are no number. Nothing of the text is kept but the first
/// twelve digits and the check sums of what has begun, and nothing of that outside this value.
struct DigitGroups {
  /// What has begun with one of the last groups and goes on.
  private struct Number {
    var count = 0
    /// The first twelve digits.
    var prefix: UInt64 = 0
    /// The sum for the check digit, where the first, third … digit is doubled and where the others are.
    var firstDoubled = 0
    var secondDoubled = 0

    mutating func take(_ digit: Int) {
      let doubled = digit > 4 ? 2 * digit - 9 : 2 * digit
      let isFirst = count % 2 == 0
      firstDoubled += isFirst ? doubled : digit
      secondDoubled += isFirst ? digit : doubled
      if count < DigitGroups.prefixLength { prefix = prefix * 10 + UInt64(digit) }
      count += 1
    }

    /// Whether the last digit is the check digit of those before it.
    var isChecked: Bool { (count % 2 == 0 ? firstDoubled : secondDoubled) % 10 == 0 }
  }

  /// How many digits a prefix has.
  static let prefixLength = 12
  /// As many as can go on at a time: one that began more groups ago than this has too many digits.
  private static let mostNumbers = 19

  private var numbers = InlineArray<19, Number>(repeating: Number())
  private var groups = 0
  private var isInGroup = false

  /// Takes a digit, 0 to 9.
  mutating func take(digit: Int) {
    if !isInGroup {
      isInGroup = true
      numbers[groups % Self.mostNumbers] = Number()
      groups += 1
    }
    for index in 0..<min(groups, Self.mostNumbers) { numbers[index].take(digit) }
  }

  /// Takes what is no digit, or the end of the text.
  ///
  /// - Parameters:
  ///   - separates: whether digits after it may belong to the same number: not after a letter.
  ///   - isNumber: whether numbers with these first twelve digits, as many digits and a right or wrong check
  ///     digit are meant.
  /// - Returns: whether a number has ended here.
  mutating func endGroup(
    separates: Bool, _ isNumber: (_ prefix: UInt64, _ count: Int, _ isChecked: Bool) -> Bool
  ) -> Bool {
    var isFound = false
    if isInGroup {
      for index in 0..<min(groups, Self.mostNumbers)
      where PAN.lengths.contains(numbers[index].count)
        && isNumber(numbers[index].prefix, numbers[index].count, numbers[index].isChecked)
      {
        isFound = true
      }
    }
    isInGroup = false
    if !separates { groups = 0 }
    return isFound
  }
}

extension BrandTable {
  /// Whether `text` holds a card number: see ``DigitGroups``; with a length and a beginning that this
  /// table knows, and with the right check digit unless it lies in a range whose numbers need none. So
  /// whatever could be tokenized is found. What has the form of a UUID holds none.
  ///
  /// - Parameter text: ASCII; everything but letters and digits separates.
  package func findsNumber(in text: RawSpan) -> Bool {
    guard !text.isUUID else { return false }
    var groups = DigitGroups()
    for offset in text.byteOffsets {
      let byte = text.byte(offset)
      if isDigit(byte) {
        groups.take(digit: Int(byte - UInt8(ascii: "0")))
      } else if groups.endGroup(separates: !isLetter(byte), couldHold) {
        return true
      }
    }
    return groups.endGroup(separates: false, couldHold)
  }
}

extension RawSpan {
  /// Whether the bytes have the form of a UUID: 32 digits of base 16 in five groups.
  /// - Source: RFC 9562, 4.
  package var isUUID: Bool {
    guard byteCount == 36 else { return false }
    for offset in byteOffsets {
      let isRight =
        [8, 13, 18, 23].contains(offset)
        ? byte(offset) == UInt8(ascii: "-") : hexadecimalValue(byte(offset)) != nil
      guard isRight else { return false }
    }
    return true
  }
}
