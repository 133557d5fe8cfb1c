/// A space or a tab.
@inlinable
package func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// `0` to `9`.
@inlinable
@inline(__always)
package func isDigit(_ byte: UInt8) -> Bool {
  byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// An ASCII letter of either case.
@inlinable
package func isLetter(_ byte: UInt8) -> Bool {
  let lower = byte | 0x20
  return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
}

/// An ASCII letter of either case, or a digit.
@inlinable
package func isLetterOrDigit(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }

/// An ASCII letter in lower case; any other byte as it is.
@inlinable
package func asciiLowercase(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

/// The value of an ASCII digit of base 16 in either case, or nil.
@inlinable
@inline(__always)
package func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

extension [UInt8] {
  /// Appends a number in decimal digits, without leading zeros.
  package mutating func append(decimal number: UInt64) {
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
      divisor /= 10
    }
  }
}

extension RawSpan {
  /// Whether `range` holds exactly the ASCII text `expected`.
  package func matches(_ range: Range<Int>, _ expected: StaticString) -> Bool {
    guard range.count == expected.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      guard unsafe byte(range.lowerBound + index) == expected.utf8Start[index] else { return false }
    }
    return true
  }

  /// Whether `range` holds `expected`, which is in lower case, in any mix of cases.
  package func matchesIgnoringCase(_ range: Range<Int>, _ expected: StaticString) -> Bool {
    guard range.count == expected.utf8CodeUnitCount else { return false }
    for index in 0..<range.count {
      let byte = asciiLowercase(self.byte(range.lowerBound + index))
      guard unsafe byte == expected.utf8Start[index] else { return false }
    }
    return true
  }

  /// Whether two ranges hold the same ASCII text in any mix of cases.
  package func areEqualIgnoringCase(_ first: Range<Int>, _ second: Range<Int>) -> Bool {
    guard first.count == second.count else { return false }
    for index in 0..<first.count {
      let left = asciiLowercase(byte(first.lowerBound + index))
      guard left == asciiLowercase(byte(second.lowerBound + index)) else { return false }
    }
    return true
  }

  /// `range` without the spaces and tabs at its ends.
  package func trimmed(_ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, isBlank(byte(start)) { start += 1 }
    while end > start, isBlank(byte(end - 1)) { end -= 1 }
    return start..<end
  }

  /// The first place of `wanted` in `range`, or nil.
  package func firstIndex(of wanted: UInt8, in range: Range<Int>) -> Int? {
    range.first { byte($0) == wanted }
  }
}
