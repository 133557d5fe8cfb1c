/// Works out the value of a JSON number whose bytes are given one after the other.
///
/// The number is `digits × 10^(zeros + exponent − fraction digits)`. Zeros at the end of the digits
/// are only counted, so that `1000000000000000000000e-20` is 10.
struct DecimalNumber {
  /// Beyond it an exponent is like any other: longer than any text that is read.
  private static let greatestExponent = 1 << 28

  private var isNegative = false
  private var digits: Int64? = 0
  private var zeros = 0
  private var fractionDigits = 0
  private var exponent = 0
  private var isPastPoint = false
  private var isInExponent = false
  private var isExponentNegative = false

  /// Takes the next byte of a number as RFC 8259, 6 has it, which the parser has checked.
  mutating func take(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "-"):
      if isInExponent { isExponentNegative = true } else { isNegative = true }
    case UInt8(ascii: "."): isPastPoint = true
    case UInt8(ascii: "e"), UInt8(ascii: "E"): isInExponent = true
    case Character8.zero...Character8.nine: take(digit: Int64(byte - Character8.zero))
    default: break
    }
  }

  private mutating func take(digit: Int64) {
    if isInExponent {
      exponent = min(exponent * 10 + Int(digit), Self.greatestExponent)
      return
    }
    if isPastPoint { fractionDigits += 1 }
    if digit == 0 {
      if digits != 0 { zeros += 1 }
      return
    }
    digits = digits.flatMap { Self.shifted($0, by: zeros + 1) }.flatMap {
      let (sum, overflow) = $0.addingReportingOverflow(digit)
      return overflow ? nil : sum
    }
    zeros = 0
  }

  /// The value times `10^shift`; nil where that is not whole, or does not fit in 63 bits.
  func whole(times10ToThe shift: Int) -> Int64? {
    guard let digits else { return nil }
    guard digits != 0 else { return 0 }
    let power = shift + zeros + (isExponentNegative ? -exponent : exponent) - fractionDigits
    guard power >= 0 else { return nil }
    return Self.shifted(digits, by: power).map { isNegative ? -$0 : $0 }
  }

  /// `value × 10^power`, which is not 0; nil where it does not fit.
  private static func shifted(_ value: Int64, by power: Int) -> Int64? {
    var value = value
    for _ in 0..<power {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      value = product
    }
    return value
  }
}
