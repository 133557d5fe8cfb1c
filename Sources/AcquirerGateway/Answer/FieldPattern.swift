import Bytes

/// What a field of an answer may look like: one class of characters and how many of them.
///
/// `[A-Za-z0-9-]{1,36}` is the whole language: a class in brackets (single characters and ranges of
/// visible ASCII and the space; a hyphen is itself at the start or end) and a count, `{n}` or
/// `{n,m}`, 1 to ``longest``. A value matches as a whole or not at all, in one pass over its bytes.
package struct FieldPattern: Equatable, Sendable {
  /// The most characters that a pattern may let through.
  package static let longest = 128

  private let lower: UInt64
  private let upper: UInt64
  private let counts: ClosedRange<Int>

  /// - Returns: nil for a text that is not a pattern.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.first == UInt8(ascii: "["),
      let end = bytes.lastIndex(of: UInt8(ascii: "]")), end > 1,
      let counts = FieldPattern.counts(bytes[(end + 1)...]),
      let set = FieldPattern.characters(Array(bytes[1..<end]))
    else { return nil }
    (lower, upper) = set
    self.counts = counts
  }

  /// Whether the whole of `text` matches.
  package func matches(_ text: String) -> Bool {
    counts.contains(text.utf8.count) && text.utf8.allSatisfy(contains)
  }

  /// Whether nothing but three or four digits matches: what a security code looks like, and many a
  /// code of an answer, so that equality says nothing.
  var isThreeOrFourDigits: Bool {
    let digits: UInt64 = 0x3FF << UInt64(UInt8(ascii: "0"))
    return upper == 0 && lower & ~digits == 0 && counts.lowerBound >= 3 && counts.upperBound <= 4
  }

  private func contains(_ byte: UInt8) -> Bool {
    switch byte {
    case 0..<64: lower & (1 << UInt64(byte)) != 0
    case 64..<128: upper & (1 << UInt64(byte - 64)) != 0
    default: false
    }
  }

  private static func characters(_ items: [UInt8]) -> (UInt64, UInt64)? {
    var (lower, upper): (UInt64, UInt64) = (0, 0)
    var index = 0
    while index < items.count {
      let first = items[index]
      var last = first
      if index + 2 < items.count, items[index + 1] == UInt8(ascii: "-") {
        last = items[index + 2]
        index += 3
      } else {
        // A hyphen between two characters that are no range would be read by some as one.
        if first == UInt8(ascii: "-"), index != 0, index != items.count - 1 { return nil }
        index += 1
      }
      guard (0x20...0x7E).contains(first), (0x20...0x7E).contains(last), first <= last,
        !"[]\\^".utf8.contains(first), !"[]\\^".utf8.contains(last)
      else { return nil }
      for byte in first...last {
        if byte < 64 { lower |= 1 << UInt64(byte) } else { upper |= 1 << UInt64(byte - 64) }
      }
    }
    return lower | upper == 0 ? nil : (lower, upper)
  }

  private static func counts(_ text: ArraySlice<UInt8>) -> ClosedRange<Int>? {
    guard text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") else { return nil }
    let parts = text.dropFirst().dropLast().split(
      separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part -> Int? in
      guard part.count <= 3, part.allSatisfy(isDigit) else { return nil }
      return Int(String(decoding: part, as: UTF8.self))
    }
    guard numbers.count == parts.count, (1...2).contains(numbers.count),
      let least = numbers.first, let most = numbers.last,
      1 <= least, least <= most, most <= longest
    else { return nil }
    return least...most
  }
}
