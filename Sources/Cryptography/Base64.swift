/// Base 64 with padding, for what is not secret.
/// - Source: RFC 4648, section 4.
package enum Base64 {
  private static let padding = UInt8(ascii: "=")

  /// The text of `bytes`.
  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var rest = bytes[...]
    while !rest.isEmpty {
      let group = rest.prefix(3)
      rest = rest.dropFirst(3)
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for index in 0..<4 {
        let sextet = Int(bits >> UInt32(18 - 6 * index) & 0x3F)
        text.append(index <= group.count ? alphabet[sextet] : padding)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that `text` stands for; nil for anything that ``encode(_:)`` does not write: white
  /// space, missing padding, bits set where nothing stands.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var rest = text[...]
    while !rest.isEmpty {
      let group = rest.prefix(4)
      rest = rest.dropFirst(4)
      let digits = group.prefix { $0 != padding }
      let isLast = rest.isEmpty
      guard digits.count >= (isLast ? 2 : 4),
        group.dropFirst(digits.count).allSatisfy({ $0 == padding })
      else { return nil }
      var bits: UInt32 = 0
      for digit in digits {
        guard let sextet = value(of: digit) else { return nil }
        bits = bits << 6 | UInt32(sextet)
      }
      bits <<= UInt32(6 * (4 - digits.count))
      let count = digits.count - 1
      guard bits & (1 << UInt32(8 * (3 - count)) - 1) == 0 else { return nil }
      for index in 0..<count {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index)))
      }
    }
    return bytes
  }

  /// The text of `bytes` for addresses and forms: the other alphabet, without padding.
  /// - Source: RFC 4648, section 5.
  package static func encodeForURL(_ bytes: some Collection<UInt8>) -> String {
    encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// As ``decode(_:)``, for a text in either alphabet, with its padding or without.
  package static func decodeAnyAlphabet(_ text: String) -> [UInt8]? {
    let digits = text.replacing("-", with: "+").replacing("_", with: "/").prefix { $0 != "=" }
    let padding = String(repeating: "=", count: (4 - digits.utf8.count % 4) % 4)
    return decode((digits + padding).utf8)
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
