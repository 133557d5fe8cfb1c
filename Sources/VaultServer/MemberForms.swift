import Bytes

/// The forms that members of a push have, as checks of their bytes.
extension RawSpan {
  /// Whether every byte is as `predicate` wants it.
  func allSatisfy(_ predicate: (UInt8) -> Bool) -> Bool {
    for offset in byteOffsets where !predicate(byte(offset)) { return false }
    return true
  }

  /// A version of EMV 3-D Secure: three numbers of one or two digits, `2.2.0`.
  var isProtocolVersion: Bool {
    var parts = 1
    var digits = 0
    for offset in byteOffsets {
      if byte(offset) == UInt8(ascii: ".") {
        guard digits > 0 else { return false }
        parts += 1
        digits = 0
      } else {
        digits += 1
        guard isDigit(byte(offset)), digits <= 2 else { return false }
      }
    }
    return parts == 3 && digits > 0
  }

  /// A transaction status of EMV 3-D Secure that ends an authentication, or asks to go on.
  var isTransactionStatus: Bool {
    byteCount == 1 && "YANURCI".utf8.contains(byte(0))
  }

  /// A cardholder authentication verification value: 28 characters of base 64, its padding counted.
  /// - Source: RFC 4648, 4.
  var isAuthenticationValue: Bool {
    guard byteCount == 28 else { return false }
    var digits = byteCount
    while digits > 26, byte(digits - 1) == UInt8(ascii: "=") { digits -= 1 }
    return extracting(0..<digits).allSatisfy { isLetterOrDigit($0) || "+/".utf8.contains($0) }
  }
}
