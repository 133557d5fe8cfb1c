/// A secret of the size of a key, in an allocation of its own: guard pages on both sides, locked in
/// memory, not in core dumps, zeroed and freed when the value ends.
///
/// It has no description and cannot be copied. Each costs a page of the memory-lock limit and 28 µs
/// of system calls, which suits keys and not requests: see ``SecretPool``.
@safe
package struct SecretBytes: ~Copyable, @unchecked Sendable {
  // Sendable holds: the allocation has this one owner, which cannot be copied, and it is written
  // through `mutating` access only, which excludes every other access.
  private let base: UnsafeMutableRawPointer

  /// How many bytes the secret has.
  package let count: Int

  /// Makes a secret of `count` zero bytes, to be filled in place.
  ///
  /// - Throws: ``SecretMemoryError``.
  package init(count: Int) throws(SecretMemoryError) {
    unsafe base = try allocateGuarded(count: count)
    self.count = count
  }

  /// Makes a secret with the bytes of `source`. Clearing `source` is left to its owner.
  ///
  /// - Throws: ``SecretMemoryError``.
  package init(copying source: RawSpan) throws(SecretMemoryError) {
    try self.init(count: source.byteCount)
    unsafe withMutableBytes { bytes in
      unsafe source.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }
  }

  /// Makes a secret of `count` random bytes of the kernel.
  ///
  /// - Throws: ``SecretMemoryError``.
  package static func random(count: Int) throws(SecretMemoryError) -> SecretBytes {
    var secret = try SecretBytes(count: count)
    unsafe secret.withMutableBytes { unsafe fillWithRandomBytes($0) }
    return secret
  }

  deinit {
    unsafe freeGuarded(base)
  }

  /// The bytes of the secret, lent.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The bytes of the secret, lent for writing.
  package var mutableBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// Lends the bytes for writing to `body`, which must not keep the pointer.
  package mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  /// Whether the secret holds the same bytes as `other`, in constant time.
  package borrowing func isEqual(to other: RawSpan) -> Bool {
    constantTimeEqual(bytes, other)
  }
}
