/// A slot of a ``SecretPool``: up to ``capacity`` secret bytes, wiped and returned to the pool when
/// the value ends. Keeps its pool alive.
@safe
package struct SecretSlot: ~Copyable, @unchecked Sendable {
  // Sendable holds: the pool gave `memory` to this one value, which cannot be copied, and it is
  // written through `mutating` access only.
  private let pool: SecretPool
  private let index: Int
  private let memory: UnsafeMutableRawBufferPointer

  /// How many bytes of the slot are in use.
  package private(set) var count: Int

  init(pool: SecretPool, index: Int) {
    self.pool = pool
    self.index = index
    unsafe memory = pool.memory(of: index)
    capacity = pool.slotSize
    count = 0
  }

  deinit {
    unsafe wipe(memory)
    pool.takeBack(index)
  }

  /// How many bytes fit.
  package let capacity: Int

  /// The bytes in use, lent.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let used = unsafe UnsafeRawBufferPointer(start: memory.baseAddress, count: count)
      let span = unsafe RawSpan(_unsafeBytes: used)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The bytes in use, lent for writing.
  package var mutableBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let used = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
      let span = unsafe MutableRawSpan(_unsafeBytes: used)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// Appends `byte`. Returns false, and changes nothing, when the slot is full.
  package mutating func append(_ byte: UInt8) -> Bool {
    guard count < capacity else { return false }
    unsafe memory[count] = byte
    count += 1
    return true
  }

  /// Appends all of `source`. Returns false, and changes nothing, when it does not fit.
  package mutating func append(_ source: RawSpan) -> Bool {
    guard source.byteCount <= capacity - count else { return false }
    let end = count
    unsafe source.withUnsafeBytes { bytes in
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[end...]).copyMemory(from: bytes)
    }
    count += source.byteCount
    return true
  }

  /// Wipes the bytes and makes the slot empty.
  package mutating func removeAll() {
    unsafe wipe(memory)
    count = 0
  }

  /// Replaces the contents by `newCount` bytes that `body` writes, for example by decrypting into
  /// the slot. `body` gets exactly `newCount` zero bytes and must not keep the pointer. Where it
  /// throws, the slot is wiped and empty afterwards.
  ///
  /// `newCount` must not exceed ``capacity``.
  package mutating func fill<Result, Failure: Error>(
    count newCount: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(newCount >= 0 && newCount <= capacity, "a slot is filled within its capacity")
    removeAll()
    do throws(Failure) {
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<newCount])
      let result = try unsafe body(part)
      count = newCount
      return result
    } catch {
      removeAll()
      throw error
    }
  }

  /// Lends the bytes in use for writing to `body`, which must not keep the pointer.
  package mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(UnsafeMutableRawBufferPointer(rebasing: memory[..<count]))
  }

  /// Whether the slot holds the same bytes as `other`, in constant time.
  package borrowing func isEqual(to other: RawSpan) -> Bool {
    constantTimeEqual(bytes, other)
  }
}
