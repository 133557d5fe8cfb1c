import Cryptography

extension RawSpan {
  /// The byte at `offset`; a precondition failure outside the span.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    // A byte has no invalid pattern and no alignment, and this load checks the bounds.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The big-endian number in the bytes of `range`, of which there are at most eight.
  func bigEndian(_ range: Range<Int>) -> UInt64 {
    precondition(range.count <= 8, "a number has at most eight bytes")
    var value: UInt64 = 0
    for offset in range { value = value << 8 | UInt64(byte(offset)) }
    return value
  }

  /// Whether every byte is zero.
  var isZero: Bool {
    var bits: UInt8 = 0
    for offset in byteOffsets { bits |= byte(offset) }
    return bits == 0
  }
}

extension [UInt8] {
  /// Appends a number, the most significant byte first.
  mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
    var shift = number.bitWidth - 8
    while shift >= 0 {
      append(UInt8(truncatingIfNeeded: number >> shift))
      shift -= 8
    }
  }

  /// Appends the bytes of a span. Not for secrets: the array is ordinary memory.
  mutating func append(contentsOf span: RawSpan) {
    for offset in span.byteOffsets { append(span.byte(offset)) }
  }
}
