import Bytes

/// What a shop holds in place of a card number: `tok_` and the 26 characters of a UUIDv7.
package struct Token: Hashable, Comparable, Sendable {
  /// What its text begins with.
  package static let prefix = "tok_"

  /// The identifier behind the text.
  package let uuid: UUIDv7

  /// Makes a token of an identifier.
  package init(_ uuid: UUIDv7) { self.uuid = uuid }

  /// - Returns: nil for any text but that of a token; upper case is none.
  package init?(_ text: String) {
    guard let uuid = UUIDv7(text, prefix: Token.prefix) else { return nil }
    self.uuid = uuid
  }

  /// - Returns: nil unless these are the 16 bytes of a token.
  package init?(bytes: RawSpan) {
    guard let uuid = UUIDv7(bytes: bytes) else { return nil }
    self.uuid = uuid
  }

  /// The text, 30 characters.
  package var text: String { uuid.text(prefix: Token.prefix) }

  /// The 16 bytes, which sort as tokens do.
  package var bytes: InlineArray<16, UInt8> { uuid.bytes }

  /// Lends the 16 bytes.
  package func withBytes<R: ~Copyable>(_ body: (RawSpan) throws -> R) rethrows -> R {
    let bytes = bytes
    return try body(bytes.span.rawSpan)
  }

  /// The 16 bytes as an array.
  package var array: [UInt8] { withBytes { $0.array } }

  /// When the token was given, in milliseconds since 1970-01-01T00:00:00Z.
  package var milliseconds: UInt64 { uuid.milliseconds }

  /// Orders by the time at which tokens were given.
  package static func < (left: Token, right: Token) -> Bool { left.uuid < right.uuid }
}

/// What the vault calls one attempt to pay: `pay_` and the 26 characters of a UUIDv7.
package struct PaymentIdentifier: Hashable, Comparable, Sendable {
  /// What its text begins with.
  package static let prefix = "pay_"

  /// The identifier behind the text.
  package let uuid: UUIDv7

  /// Makes a payment identifier of an identifier.
  package init(_ uuid: UUIDv7) { self.uuid = uuid }

  /// - Returns: nil for any text but that of a payment identifier; upper case is none.
  package init?(_ text: String) {
    guard let uuid = UUIDv7(text, prefix: PaymentIdentifier.prefix) else { return nil }
    self.uuid = uuid
  }

  /// - Returns: nil unless these are the 16 bytes of a payment identifier.
  package init?(bytes: RawSpan) {
    guard let uuid = UUIDv7(bytes: bytes) else { return nil }
    self.uuid = uuid
  }

  /// The text, 30 characters.
  package var text: String { uuid.text(prefix: PaymentIdentifier.prefix) }

  /// The 16 bytes, which sort as payment identifiers do.
  package var bytes: InlineArray<16, UInt8> { uuid.bytes }

  /// When the payment began, in milliseconds since 1970-01-01T00:00:00Z.
  package var milliseconds: UInt64 { uuid.milliseconds }

  /// Orders by the time at which payments began.
  package static func < (left: PaymentIdentifier, right: PaymentIdentifier) -> Bool {
    left.uuid < right.uuid
  }
}

extension UUIDv7 {
  fileprivate init?(_ text: String, prefix: String) {
    guard text.utf8.count == prefix.utf8.count + UUIDv7.textLength, text.hasPrefix(prefix) else {
      return nil
    }
    let suffix = text.utf8Span.span.extracting(prefix.utf8.count...)
    self.init(text: unsafe suffix.bytes)
  }
}
