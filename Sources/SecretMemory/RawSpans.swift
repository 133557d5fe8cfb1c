extension [UInt8] {
  /// The bytes of the array, lent.
  ///
  /// The library marks `Span.bytes` as unsafe since an element could have padding; a byte has none.
  package var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = self.span
      let raw = unsafe span.bytes
      return unsafe _overrideLifetime(raw, borrowing: self)
    }
  }
}

extension RawSpan {
  /// The byte at `offset`; a precondition failure outside the span.
  @inlinable
  @inline(__always)
  package func byte(_ offset: Int) -> UInt8 {
    // A byte has no invalid pattern and no alignment, and this load checks the bounds.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The big-endian number in the bytes of `range`, of which there are at most eight.
  package func bigEndian(_ range: Range<Int>) -> UInt64 {
    precondition(range.count <= 8, "a number has at most eight bytes")
    var value: UInt64 = 0
    for offset in range { value = value << 8 | UInt64(byte(offset)) }
    return value
  }
}
