import Bytes

extension [UInt8] {
  /// The bytes that an even number of hexadecimal digits in either case stands for; nil for
  /// anything else.
  package init?(hexadecimal text: some StringProtocol) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
      guard let digit = hexadecimalValue(character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    guard high == nil else { return nil }
    self = bytes
  }

  /// Two lower-case hexadecimal digits for each byte. Not for secrets: the result is a `String`.
  package var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(count * 2)
    for byte in self {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
