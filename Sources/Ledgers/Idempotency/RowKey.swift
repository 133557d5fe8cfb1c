internal import Bytes
internal import Cryptography

/// The key under which a row of the idempotency table stands: a digest of 32 bytes or, where a disk has
/// damaged it, other bytes.
package struct RowKey: Hashable, Sendable {
  /// What the text of one begins with.
  private static let prefix = "row_"
  /// The longest key of the engine, in bytes.
  private static let mostBytes = 511

  /// The bytes.
  package let bytes: [UInt8]

  init(_ key: RawSpan) { bytes = key.array }

  /// Reads ``text``; nil for any other.
  package init?(_ text: String) {
    guard text.hasPrefix(Self.prefix),
      let bytes = [UInt8](hexadecimal: text.dropFirst(Self.prefix.utf8.count)),
      (1...Self.mostBytes).contains(bytes.count)
    else { return nil }
    self.bytes = bytes
    guard self.text == text else { return nil }
  }

  /// `row_` and the bytes in hexadecimal.
  package var text: String { Self.prefix + bytes.hexadecimal }
}
