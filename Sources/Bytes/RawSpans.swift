extension [UInt8] {
  /// The bytes of the array, lent.
  ///
  /// The library marks `Span.bytes` as unsafe since an element could have padding; a byte has none.
  @inlinable
  package var rawSpan: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = self.span
      let raw = unsafe span.bytes
      return unsafe _overrideLifetime(raw, borrowing: self)
    }
  }

  /// Appends the bytes of a span. Not for secrets: the array is ordinary memory.
  @inlinable
  package mutating func append(contentsOf span: RawSpan) {
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension Span where Element == UInt8 {
  /// The same bytes without their type: a byte has no padding.
  @inlinable
  package var rawSpan: RawSpan {
    @_lifetime(copy self)
    get { unsafe bytes }
  }
}

extension Span where Element == UInt64 {
  /// The words' bytes in the order of this machine: a word has no padding.
  @inlinable
  package var rawSpan: RawSpan {
    @_lifetime(copy self)
    get { unsafe bytes }
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

  /// The bytes as an array. Not for secrets: the array is ordinary memory.
  package var array: [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }

  /// The bytes as text, what is no UTF-8 replaced. Not for secrets.
  package var text: String {
    unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Whether every byte is zero.
  package var isZero: Bool {
    var bits: UInt8 = 0
    for offset in byteOffsets { bits |= byte(offset) }
    return bits == 0
  }

  /// Whether the first bytes are `prefix`.
  package func starts(with prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    for index in prefix.indices where byte(index) != prefix[index] { return false }
    return true
  }

  /// Whether the bytes are `other`.
  package func isEqual(to other: [UInt8]) -> Bool {
    byteCount == other.count && starts(with: other)
  }
}

extension MutableRawSpan {
  /// Writes `byte` at `offset`; a precondition failure outside the span.
  package mutating func put(_ byte: UInt8, at offset: Int) {
    storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
  }

  /// Copies `source` to the bytes from `offset` on.
  package mutating func put(_ source: RawSpan, at offset: Int) {
    for index in source.byteOffsets { put(source.byte(index), at: offset + index) }
  }
}
