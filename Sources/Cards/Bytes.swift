extension RawSpan {
  /// The byte at `offset`; a precondition failure outside the span.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    // A byte has no invalid pattern and no alignment, and this load checks the bounds.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}

/// Whether `byte` is an ASCII digit.
@inline(__always)
func isDigit(_ byte: UInt8) -> Bool {
  byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}
