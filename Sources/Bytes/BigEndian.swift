extension FixedWidthInteger where Self: UnsignedInteger {
  /// The number's bytes, the most significant first, so that as keys they sort as the numbers do.
  package var bigEndianBytes: [UInt8] {
    stride(from: bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> $0) }
  }

  /// Reads a number, the most significant byte first; nil for bytes that are not as many as its own.
  @inlinable
  package init?(bigEndianBytes bytes: RawSpan) {
    guard bytes.byteCount * 8 == Self.bitWidth else { return nil }
    self.init(truncatingIfNeeded: bytes.bigEndian(bytes.byteOffsets))
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
  package mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }
}
