extension FixedWidthInteger where Self: UnsignedInteger & BitwiseCopyable {
  /// The number's bytes, the most significant first, so that as keys they sort as the numbers do.
  @inlinable
  package var bigEndianBytes: [UInt8] {
    unsafe withUnsafeBytes(of: bigEndian) { unsafe [UInt8]($0) }
  }

  /// Reads a number, the most significant byte first; nil for bytes that are not as many as its own.
  @inlinable
  package init?(bigEndianBytes bytes: RawSpan) {
    guard bytes.byteCount * 8 == Self.bitWidth else { return nil }
    self = Self(bigEndian: unsafe bytes.unsafeLoadUnaligned(as: Self.self))
  }
}

extension RawSpan {
  /// The big-endian number in the bytes of `range`, of which there are at most eight.
  @inlinable
  package func bigEndian(_ range: Range<Int>) -> UInt64 {
    precondition(range.count <= 8, "a number has at most eight bytes")
    var value: UInt64 = 0
    for offset in range { value = value << 8 | UInt64(byte(offset)) }
    return value
  }
}

extension [UInt8] {
  /// Appends a number, the most significant byte first.
  @inlinable
  package mutating func append(bigEndian number: some FixedWidthInteger & BitwiseCopyable) {
    unsafe Swift.withUnsafeBytes(of: number.bigEndian) { unsafe append(contentsOf: $0) }
  }
}
