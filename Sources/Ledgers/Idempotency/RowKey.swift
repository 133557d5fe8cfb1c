internal import Bytes
internal import RecordFormat

/// The key under which a row of the idempotency table stands: a digest of 32 bytes or, where a disk has
/// damaged it, other bytes.
package struct RowKey: Hashable, Sendable {
  private static let form = KeyText(prefix: "row_")

  /// The bytes.
  package let bytes: [UInt8]

  init(_ key: RawSpan) { bytes = key.array }

  /// Reads ``text``; nil for any other.
  package init?(_ text: String) {
    guard let bytes = Self.form.key(of: text) else { return nil }
    self.bytes = bytes
  }

  /// `row_` and the bytes in hexadecimal.
  package var text: String { Self.form.text(of: bytes) }
}
