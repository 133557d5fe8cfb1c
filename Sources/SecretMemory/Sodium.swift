import CSodium

/// libsodium, which wants `sodium_init` before anything else. The result is 1 where another caller
/// was first, and negative where it has no source of random bytes.
private let isReady = sodium_init() >= 0

/// Allocates `count` zeroed bytes between guard pages, locked in memory and left out of core dumps.
///
/// - Throws: ``SecretMemoryError/lockLimit(bytes:)``, ``SecretMemoryError/libraryUnavailable``.
func allocateGuarded(count: Int) throws(SecretMemoryError) -> UnsafeMutableRawPointer {
  precondition(count >= 0, "a secret has no negative size")
  guard isReady else { throw .libraryUnavailable }
  guard let base = unsafe sodium_malloc(count) else { throw .lockLimit(bytes: count) }
  // sodium_malloc locks too, but says nothing when that fails. Locking a second time costs one
  // system call and tells; locks do not nest, so sodium_free undoes both.
  guard unsafe count == 0 || sodium_mlock(base, count) == 0 else {
    unsafe sodium_free(base)
    throw .lockLimit(bytes: count)
  }
  unsafe sodium_memzero(base, count)
  return unsafe base
}

/// Zeroes and frees what ``allocateGuarded(count:)`` returned. Stops the process if something wrote
/// past its start, where libsodium keeps a canary.
func freeGuarded(_ base: UnsafeMutableRawPointer) {
  unsafe sodium_free(base)
}

/// Fills `buffer` with random bytes of the kernel.
func fillWithRandomBytes(_ buffer: UnsafeMutableRawBufferPointer) {
  guard let base = buffer.baseAddress else { return }
  unsafe randombytes_buf(base, buffer.count)
}

/// Clears `buffer` in a way that no compiler leaves out.
package func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
  guard let base = buffer.baseAddress else { return }
  unsafe sodium_memzero(base, buffer.count)
}

/// Whether `first` and `second` hold the same bytes, in a time that depends on their lengths alone.
///
/// Spans of different lengths are different; the lengths are not treated as secret.
package func constantTimeEqual(_ first: RawSpan, _ second: RawSpan) -> Bool {
  guard first.byteCount == second.byteCount else { return false }
  return unsafe first.withUnsafeBytes { firstBytes in
    unsafe second.withUnsafeBytes { secondBytes in
      guard let firstBase = firstBytes.baseAddress, let secondBase = secondBytes.baseAddress
      else { return true }
      return unsafe sodium_memcmp(firstBase, secondBase, firstBytes.count) == 0
    }
  }
}
