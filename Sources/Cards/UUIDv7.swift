import Bytes

/// A UUID of version 7: 48 bits of milliseconds, then 74 that its maker chooses, version and
/// variant between them.
///
/// Layout: `milliseconds(48) ‖ 0111 ‖ counter(12) ‖ 10 ‖ random(62)`, big-endian.
/// - Source: RFC 9562, section 5.7.
package struct UUIDv7: Hashable, Comparable, Sendable {
  /// How many bytes an identifier has.
  package static let byteCount = 16
  /// How many characters its base 32 text has.
  package static let textLength = 26

  /// The first eight bytes.
  package let high: UInt64
  /// The last eight bytes.
  package let low: UInt64

  /// - Returns: nil unless version is 7 and variant is binary 10.
  package init?(high: UInt64, low: UInt64) {
    guard high >> 12 & 0xF == 7, low >> 62 == 0b10 else { return nil }
    self.high = high
    self.low = low
  }

  /// - Parameters:
  ///   - milliseconds: since 1970-01-01T00:00:00Z; the lowest 48 bits are taken.
  ///   - counter: the lowest 12 bits are taken.
  ///   - random: the lowest 62 bits are taken.
  package init(milliseconds: UInt64, counter: UInt16, random: UInt64) {
    high = milliseconds << 16 | 0x7000 | UInt64(counter & 0xFFF)
    low = 1 << 63 | random & (1 << 62 - 1)
  }

  /// - Returns: nil unless these are 16 bytes of a UUID of version 7.
  package init?(bytes: RawSpan) {
    guard bytes.byteCount == UUIDv7.byteCount else { return nil }
    self.init(high: bytes.bigEndian(0..<8), low: bytes.bigEndian(8..<16))
  }

  /// Milliseconds since 1970-01-01T00:00:00Z.
  package var milliseconds: UInt64 { high >> 16 }

  /// The 12 bits after the version.
  package var counter: UInt16 { UInt16(high & 0xFFF) }

  /// The 16 bytes, big-endian, so that they sort as the identifiers do.
  package var bytes: InlineArray<16, UInt8> {
    let words = [high.bigEndian, low.bigEndian] as InlineArray<2, UInt64>
    // The same bytes: neither has padding.
    return unsafe unsafeBitCast(words, to: InlineArray<16, UInt8>.self)
  }

  /// Orders by time, then counter, then random bits: as the bytes and the texts do.
  package static func < (left: UUIDv7, right: UUIDv7) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

// MARK: - Text

extension UUIDv7 {
  /// The 26 characters of a TypeID: lower-case Crockford base 32 of the 128 bits, two zero bits
  /// before them.
  ///
  /// - Source: TypeID specification 0.3.
  package var text: String { text(prefix: "") }

  /// The text after `prefix`, which is ASCII.
  package func text(prefix: String) -> String {
    let start = prefix.utf8.count
    let length = start + UUIDv7.textLength
    return unsafe String(unsafeUninitializedCapacity: length) { buffer in
      var count = 0
      for byte in prefix.utf8 {
        unsafe buffer[count] = byte
        count += 1
      }
      // From the last digit on, the low half first, so that no digit needs 128 bits: the thirteenth
      // from the end has bits of both.
      var rest = low
      var index = length
      while index > start + 13 {
        index -= 1
        if index == start + 13 { rest |= high << 4 }
        unsafe buffer[index] = UUIDv7.digit(rest)
        rest >>= 5
      }
      rest = high >> 1
      while index > start {
        index -= 1
        unsafe buffer[index] = UUIDv7.digit(rest)
        rest >>= 5
      }
      return length
    }
  }

  /// - Returns: nil unless these are the 26 characters of a UUID of version 7, in lower case, with
  ///   nothing around them.
  package init?(text: RawSpan) {
    guard text.byteCount == UUIDv7.textLength, text.byte(0) <= UInt8(ascii: "7") else { return nil }
    var value: UInt128 = 0
    for offset in text.byteOffsets {
      let digit = UUIDv7.values[Int(text.byte(offset))]
      guard digit < 32 else { return nil }
      value = value << 5 | UInt128(digit)
    }
    self.init(
      high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
  }

  private static func digit(_ value: UInt64) -> UInt8 {
    let digits: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
    return unsafe digits.utf8Start[Int(value & 31)]
  }

  /// The value of each byte as a digit, 255 for what is none.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for value in 0..<32 { values[Int(digit(UInt64(value)))] = UInt8(value) }
    return values
  }()
}
