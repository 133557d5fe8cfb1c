/// Reads numbers, bytes and texts off a row, one after the other; nil where it ends too early.
package struct RowReader: ~Escapable {
  private let row: RawSpan
  private var offset = 0

  /// Reads from the first byte of `row` on.
  @_lifetime(copy row)
  package init(_ row: RawSpan) { self.row = row }

  /// Whether all of the row has been read.
  package var isAtEnd: Bool { offset == row.byteCount }

  /// How many bytes have not been read.
  package var remaining: Int { row.byteCount - offset }

  /// The next `count` bytes, lent.
  @_lifetime(copy self)
  package mutating func bytes(_ count: Int) -> RawSpan? {
    guard count <= remaining else { return nil }
    defer { offset += count }
    return row.extracting(offset..<offset + count)
  }

  /// A number, the most significant byte first.
  package mutating func number<N: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _: N.Type
  ) -> N? {
    guard let bytes = bytes(N.bitWidth / 8) else { return nil }
    return N(bigEndianBytes: bytes)
  }

  /// A text that is valid UTF-8, after its length in two bytes.
  package mutating func text() -> String? {
    number(UInt16.self).flatMap { text(Int($0)) }
  }

  /// A text of `count` bytes that are valid UTF-8.
  package mutating func text(_ count: Int) -> String? {
    guard let bytes = bytes(count) else { return nil }
    return String(validating: bytes.array, as: UTF8.self)
  }
}
