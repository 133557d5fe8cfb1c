import Cryptography
import SecretMemory

/// Reads numbers, digests and texts off a row, one after the other; nil where it ends too early.
struct RowReader {
  private var rest: ArraySlice<UInt8>

  init(_ row: [UInt8]) { rest = row[...] }

  /// Whether all of the row has been read.
  var isAtEnd: Bool { rest.isEmpty }

  /// The next bytes.
  mutating func bytes(_ count: Int) -> [UInt8]? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// A number, most significant byte first.
  mutating func number<N: FixedWidthInteger & UnsignedInteger>(_: N.Type) -> N? {
    bytes(N.bitWidth / 8)?.reduce(0) { $0 << 8 | N($1) }
  }

  /// A digest.
  mutating func digest() -> Digest256? {
    bytes(Digest256.byteCount).flatMap { Digest256($0.rawSpan) }
  }

  /// A text that is valid UTF-8, after its length in two bytes.
  mutating func text() -> String? {
    guard let count = number(UInt16.self), let bytes = bytes(Int(count)) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
