import Bytes

/// Walks the content of a string that has been parsed, and yields its unescaped UTF-8 bytes.
///
/// It keeps no more than one scalar. The text must be the one that was parsed: escapes in it are
/// known to be complete and surrogates known to come in pairs.
struct Unescaper {
  private var offset: Int
  private let end: Int
  /// The bytes of an unescaped scalar that are still to be given, the next one lowest.
  private var pending: UInt32 = 0
  private var pendingCount = 0

  init(_ content: Range<Int>) {
    offset = content.lowerBound
    end = content.upperBound
  }

  /// The next byte, or nil at the end of the string.
  @inline(__always)
  mutating func next(in text: RawSpan) -> UInt8? {
    if pendingCount == 0 {
      guard offset < end else { return nil }
      let byte = text.byte(offset)
      guard byte == Character8.backslash else {
        offset += 1
        return byte
      }
      unescape(in: text)
    }
    pendingCount -= 1
    defer { pending >>= 8 }
    return UInt8(truncatingIfNeeded: pending)
  }

  private mutating func unescape(in text: RawSpan) {
    let escape = text.byte(offset + 1)
    offset += 2
    switch escape {
    case UInt8(ascii: "b"): hold(0x08)
    case UInt8(ascii: "f"): hold(0x0C)
    case UInt8(ascii: "n"): hold(0x0A)
    case UInt8(ascii: "r"): hold(0x0D)
    case UInt8(ascii: "t"): hold(0x09)
    case Character8.lowerU:
      let unit = codeUnit(in: text)
      guard unit & 0xFC00 == 0xD800 else { return hold(unit) }
      offset += 2
      let low = codeUnit(in: text)
      hold(0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF)
    default: hold(UInt32(escape))
    }
  }

  private mutating func codeUnit(in text: RawSpan) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      unit = unit << 4 | UInt32(hexadecimalValue(text.byte(offset)) ?? 0)
      offset += 1
    }
    return unit
  }

  /// Holds the UTF-8 bytes of `scalar`.
  private mutating func hold(_ scalar: UInt32) {
    switch scalar {
    case 0..<0x80:
      (pending, pendingCount) = (scalar, 1)
    case 0x80..<0x800:
      pending = 0xC0 | scalar >> 6 | continuation(scalar) << 8
      pendingCount = 2
    case 0x800..<0x10000:
      pending = 0xE0 | scalar >> 12 | continuation(scalar >> 6) << 8 | continuation(scalar) << 16
      pendingCount = 3
    default:
      pending = 0xF0 | scalar >> 18 | continuation(scalar >> 12) << 8
      pending |= continuation(scalar >> 6) << 16 | continuation(scalar) << 24
      pendingCount = 4
    }
  }

  private func continuation(_ bits: UInt32) -> UInt32 { 0x80 | bits & 0x3F }
}

extension Unescaper {
  /// Whether two strings of `text` are the same once unescaped.
  static func areEqual(_ first: Range<Int>, _ second: Range<Int>, in text: RawSpan) -> Bool {
    compare(first, second, in: text) == 0
  }

  /// Orders two strings of `text` by their unescaped UTF-8 bytes: negative, zero or positive.
  static func compare(_ first: Range<Int>, _ second: Range<Int>, in text: RawSpan) -> Int {
    var left = Unescaper(first)
    var right = Unescaper(second)
    while true {
      switch (left.next(in: text), right.next(in: text)) {
      case (nil, nil): return 0
      case (nil, _): return -1
      case (_, nil): return 1
      case (let l?, let r?): if l != r { return l < r ? -1 : 1 }
      }
    }
  }
}
