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
