import Bytes

/// A merchant's opaque name for one of its customers: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
///
/// A form alone: that none holds a card number is for whoever takes it from a client, by the brand
/// table in force, see ``BrandTable/findsNumber(in:)``. One that is stored was taken under another.
package struct CustomerReference: Hashable, Sendable {
  /// How many characters a reference has at most; record format v1 has room for as many.
  package static let longest = 64

  /// The reference as it was given.
  package let text: String

  /// - Returns: nil for bytes of another form, before any copy of them is made.
  package init?(_ bytes: RawSpan) {
    guard isReference(bytes, longest: CustomerReference.longest, allowsColon: true) else {
      return nil
    }
    text = bytes.text
  }

  /// - Returns: nil for a text of another form.
  package init?(_ text: String) { self.init(text.utf8Span.span.rawSpan) }
}

/// A merchant's name for one payment: 1 to 40 of `A-Z a-z 0-9 . _ -`. As for a ``CustomerReference``, a
/// form alone.
package struct PaymentReference: Hashable, Sendable {
  /// How many characters a reference has at most.
  package static let longest = 40

  /// The reference as it was given.
  package let text: String

  /// - Returns: nil for bytes of another form, before any copy of them is made.
  package init?(_ bytes: RawSpan) {
    guard isReference(bytes, longest: PaymentReference.longest, allowsColon: false) else {
      return nil
    }
    text = bytes.text
  }

  /// - Returns: nil for a text of another form.
  package init?(_ text: String) { self.init(text.utf8Span.span.rawSpan) }
}

private func isReference(_ bytes: RawSpan, longest: Int, allowsColon: Bool) -> Bool {
  guard (1...longest).contains(bytes.byteCount) else { return false }
  for offset in bytes.byteOffsets {
    let byte = bytes.byte(offset)
    switch byte {
    case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): break
    case UInt8(ascii: ":") where allowsColon: break
    default: guard isLetterOrDigit(byte) else { return false }
    }
  }
  return true
}
