internal import Bytes
package import Cards
internal import RecordFormat

/// The key under which a record stands: the bytes of its token or, where they are damaged, others.
package struct RecordKey: Hashable, Sendable {
  /// The text of one that is no token's.
  private static let others = KeyText(prefix: "key_")

  /// The bytes.
  package let bytes: [UInt8]

  init(_ key: RawSpan) { bytes = key.array }

  /// The key of the record of `token`.
  package init(_ token: Token) { bytes = token.array }

  /// Reads ``text``; nil for any other.
  package init?(_ text: String) {
    guard let bytes = Token(text)?.array ?? Self.others.key(of: text) else { return nil }
    self.bytes = bytes
    // A token has one text.
    guard self.text == text else { return nil }
  }

  /// The token, where it is one.
  package var token: Token? { Token(bytes: bytes.rawSpan) }

  /// The token's text or, where it is none, `key_` and the bytes in hexadecimal.
  package var text: String { token?.text ?? Self.others.text(of: bytes) }
}
