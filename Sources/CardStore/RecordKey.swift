internal import Bytes
package import Cards
internal import Cryptography

/// The key under which a record stands: the bytes of its token or, where they are damaged, others.
package struct RecordKey: Hashable, Sendable {
  /// What the text of one begins with that is no token's.
  private static let prefix = "key_"
  /// The longest key of the engine, in bytes.
  private static let mostBytes = 511

  /// The bytes.
  package let bytes: [UInt8]

  init(_ key: RawSpan) { bytes = key.array }

  /// The key of the record of `token`.
  package init(_ token: Token) { bytes = token.array }

  /// Reads ``text``; nil for any other.
  package init?(_ text: String) {
    let bytes =
      Token(text)?.array
      ?? (text.hasPrefix(Self.prefix)
        ? [UInt8](hexadecimal: text.dropFirst(Self.prefix.utf8.count)) : nil)
    guard let bytes, (1...Self.mostBytes).contains(bytes.count) else { return nil }
    self.bytes = bytes
    guard self.text == text else { return nil }
  }

  /// The token, where it is one.
  package var token: Token? { Token(bytes: bytes.rawSpan) }

  /// The token's text or, where it is none, `key_` and the bytes in hexadecimal.
  package var text: String { token?.text ?? Self.prefix + bytes.hexadecimal }
}
