import Cryptography
import SecretMemory

extension RawSpan {
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
