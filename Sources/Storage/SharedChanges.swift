/// A set of changes that many snapshots share, and nobody changes any more.
// Sendable is unchecked because of the bytes: they never change after `init`.
@safe final class SharedChanges: @unchecked Sendable {
  static let none = SharedChanges(WriteSet())

  private let set: WriteSet
  /// The bytes of its keys and values, where the compiler need not know how long they live.
  private let bytes: UnsafeRawBufferPointer

  init(_ set: consuming WriteSet) {
    unsafe bytes = set.withBytes { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      unsafe copy.copyMemory(from: bytes)
      return UnsafeRawBufferPointer(copy)
    }
    self.set = set
  }

  deinit { unsafe bytes.deallocate() }

  /// The changes of a table. They live as long as this object, and whoever asks for them says so.
  @unsafe
  @_lifetime(immortal)
  func changes(of table: Table) -> TableChanges {
    let span = unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), copying: ())
    return TableChanges(bytes: span, changes: set.changes(of: table))
  }

  /// A set of its own with the same changes.
  func copy() -> WriteSet { set.copy() }
}
