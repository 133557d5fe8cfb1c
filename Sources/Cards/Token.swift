internal import Bytes

/// What a UUIDv7 names: its text is a prefix and the 26 characters of the identifier.
package protocol PrefixedIdentifier: Hashable, Comparable, Sendable {
  /// What its text begins with.
  static var prefix: String { get }

  /// The identifier behind the text.
  var uuid: UUIDv7 { get }

  init(_ uuid: UUIDv7)
}

extension PrefixedIdentifier {
  /// - Returns: nil for any text but that of such an identifier; upper case is none.
  @inlinable
  package init?(_ text: String) {
    guard let uuid = UUIDv7(text, prefix: Self.prefix) else { return nil }
    self.init(uuid)
  }

  /// - Returns: nil unless these are the 16 bytes of such an identifier.
  @inlinable
  package init?(bytes: RawSpan) {
    guard let uuid = UUIDv7(bytes: bytes) else { return nil }
    self.init(uuid)
  }

  /// The text, 30 characters.
  @inlinable
  package var text: String { uuid.text(prefix: Self.prefix) }

  /// The 16 bytes, which sort as the identifiers do.
  @inlinable
  package var bytes: InlineArray<16, UInt8> { uuid.bytes }

  /// When it was given, in milliseconds since 1970-01-01T00:00:00Z.
  @inlinable
  package var milliseconds: UInt64 { uuid.milliseconds }

  /// Orders by the time at which identifiers were given.
  @inlinable
  package static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }
}

/// What a shop holds in place of a card number: `tok_` and the 26 characters of a UUIDv7.
package struct Token: PrefixedIdentifier {
  package static let prefix = "tok_"

  package let uuid: UUIDv7

  package init(_ uuid: UUIDv7) { self.uuid = uuid }

  /// Lends the 16 bytes.
  package func withBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let bytes = bytes
    return try body(bytes.span.rawSpan)
  }

  /// The 16 bytes as an array.
  package var array: [UInt8] { withBytes { $0.array } }
}

/// What the vault calls one attempt to pay: `pay_` and the 26 characters of a UUIDv7.
package struct PaymentIdentifier: PrefixedIdentifier {
  package static let prefix = "pay_"

  package let uuid: UUIDv7

  package init(_ uuid: UUIDv7) { self.uuid = uuid }
}

extension UUIDv7 {
  /// - Returns: nil for any text but `prefix` and those of a UUID of version 7.
  package init?(_ text: String, prefix: String) {
    guard text.utf8.count == prefix.utf8.count + UUIDv7.textLength, text.hasPrefix(prefix) else {
      return nil
    }
    let suffix = text.utf8Span.span.extracting(prefix.utf8.count...)
    self.init(text: suffix.rawSpan)
  }
}
