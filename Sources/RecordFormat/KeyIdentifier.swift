import Bytes

/// The name of a key: four bytes, written as eight lower-case hexadecimal digits. Not secret.
package struct KeyIdentifier: Hashable, Comparable, Sendable {
  /// How many bytes an identifier has.
  package static let byteCount = 4

  /// The four bytes as a big-endian number.
  package let value: UInt32

  /// Makes the identifier whose bytes are `value`, big-endian.
  package init(_ value: UInt32) { self.value = value }

  /// - Returns: nil unless these are four bytes.
  package init?(bytes: RawSpan) {
    guard let value = UInt32(bigEndianBytes: bytes) else { return nil }
    self.value = value
  }

  /// - Returns: nil for anything but eight lower-case hexadecimal digits.
  package init?(_ text: String) {
    guard let value = UInt32(text, radix: 16) else { return nil }
    self.value = value
    guard self.text == text else { return nil }
  }

  /// Eight lower-case hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.utf8.count) + digits
  }

  /// Orders by the bytes.
  package static func < (left: KeyIdentifier, right: KeyIdentifier) -> Bool {
    left.value < right.value
  }
}
