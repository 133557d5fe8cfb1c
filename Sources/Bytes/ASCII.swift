import Glibc

/// 1 in each byte.
private let ones: UInt64 = 0x0101_0101_0101_0101

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
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = number
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    append(contentsOf: digits.span.rawSpan.extracting(droppingFirst: start))
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
    return unsafe extracting(range).withUnsafeBytes { bytes in
      for index in 0..<bytes.count {
        guard unsafe asciiLowercase(bytes[index]) == expected.utf8Start[index] else { return false }
      }
      return true
    }
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
    unsafe extracting(range).withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return nil }
      guard let found = unsafe memchr(start, Int32(wanted), bytes.count) else { return nil }
      return unsafe range.lowerBound + (UnsafeRawPointer(found) - start)
    }
  }

  /// The first place of a control character in `range`, C0 or DEL; its end where there is none.
  package func firstControl(in range: Range<Int>) -> Int {
    var offset = range.lowerBound
    // Eight at a time: the lowest bit that is set is that of the first, higher ones may be wrong.
    while offset + 8 <= range.upperBound {
      let word = UInt64(
        littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let deletion = word ^ (0x7F * ones)
      let found = ((word &- 0x20 * ones) & ~word | (deletion &- ones) & ~deletion) & (0x80 * ones)
      if found != 0 { return offset + found.trailingZeroBitCount / 8 }
      offset += 8
    }
    while offset < range.upperBound, byte(offset) >= 0x20, byte(offset) != 0x7F { offset += 1 }
    return offset
  }
}
