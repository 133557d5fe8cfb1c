import Bytes

/// The characters of what was typed, as digits and what stands between them.
///
/// A walk over UTF-8 in secret memory: nothing of it becomes a string.
struct TypedText: ~Escapable {
  enum Character: Equatable {
    case digit(UInt8)
    /// Blanks of any kind.
    case space
    /// Hyphens, dots, dashes and slashes.
    case separator(Unicode.Scalar)
    case other
  }

  private let bytes: RawSpan
  private var offset = 0
  private let end: Int

  /// Blanks at both ends do not count.
  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) {
    self.bytes = bytes
    end = bytes.byteCount
  }

  mutating func next() -> Character? {
    guard offset < end else { return nil }
    guard let scalar = scalar() else {
      offset += 1
      return .other
    }
    if let digit = Self.digit(scalar) { return .digit(digit) }
    if scalar.properties.isWhitespace || Self.invisible.contains(scalar.value) { return .space }
    if scalar == "/" || scalar == "\u{2044}" || scalar == "\u{FF0F}" || scalar == "."
      || scalar.properties.generalCategory == .dashPunctuation
      || scalar == "\u{2212}" || scalar == "\u{00AD}"
    {
      return .separator(scalar)
    }
    return .other
  }

  /// Marks of direction and of order that come along when text is copied.
  private static let invisible: Set<UInt32> = [
    0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x202A, 0x202C, 0x2060, 0xFEFF,
  ]

  private static func digit(_ scalar: Unicode.Scalar) -> UInt8? {
    if scalar.isASCII {
      return isDigit(UInt8(truncatingIfNeeded: scalar.value))
        ? UInt8(scalar.value) - UInt8(ascii: "0") : nil
    }
    guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue
    else { return nil }
    return UInt8(value)
  }

  private mutating func scalar() -> Unicode.Scalar? {
    let first = bytes.byte(offset)
    let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard first < 0x80 || first >= 0xC2, offset + count <= end else { return nil }
    var value = count == 1 ? UInt32(first) : UInt32(first) & (0xFF >> UInt32(count + 1))
    for index in 1..<max(count, 1) {
      let byte = bytes.byte(offset + index)
      guard byte & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    guard let scalar = Unicode.Scalar(value) else { return nil }
    offset += count
    return scalar
  }
}
