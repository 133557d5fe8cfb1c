import Synchronization

/// Many small slots for secrets in one locked, guarded allocation that is made at start.
///
/// Slots are for card numbers in flight: taking and returning one is a few instructions under a
/// lock and no system call, where an allocation of its own would cost 28 µs. The memory lives as
/// long as the pool or any slot of it.
@safe
package final class SecretPool: @unchecked Sendable {
  // Sendable holds: `base` never changes; each slot's bytes are touched only by the one SecretSlot
  // that holds its index, and `free` hands an index to one at a time.
  private let base: UnsafeMutableRawPointer

  /// Bytes between the starts of two slots: whole cache lines, so that threads that work in
  /// neighbouring slots do not slow each other down.
  private let stride: Int

  private let free: Mutex<FreeSlots>

  /// How many bytes fit in a slot.
  package let slotSize: Int

  /// How many slots there are.
  package let slotCount: Int

  /// Makes a pool of `slots` slots of `slotSize` bytes, which are rounded up to 64 in memory.
  ///
  /// - Throws: ``SecretMemoryError/lockLimit(bytes:)`` if they may not all be locked.
  package init(slots: Int, slotSize: Int) throws(SecretMemoryError) {
    precondition(slots > 0 && slotSize > 0, "a pool has slots and they have bytes")
    let stride = Self.stride(slotSize: slotSize)
    unsafe base = try allocateGuarded(count: slots * stride)
    self.stride = stride
    self.slotSize = slotSize
    slotCount = slots
    free = Mutex(FreeSlots(count: slots))
  }

  deinit {
    unsafe freeGuarded(base)
  }

  /// How many bytes the slots of a pool take, all of which are locked.
  package static func lockedBytes(slots: Int, slotSize: Int) -> Int {
    slots * stride(slotSize: slotSize)
  }

  private static func stride(slotSize: Int) -> Int { (slotSize + 63) & ~63 }

  /// An empty slot, or nil when all are in use. May be called by any thread.
  package func lease() -> SecretSlot? {
    guard let index = free.withLock({ $0.take() }) else { return nil }
    return SecretSlot(pool: self, index: index)
  }

  /// How many slots are in use at this moment.
  package var slotsInUse: Int {
    slotCount - free.withLock { $0.count }
  }

  /// The memory of the slot `index`, for the SecretSlot that holds it.
  func memory(of index: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: base + index * stride, count: slotSize)
  }

  /// Takes back the slot `index`, which its holder has wiped.
  func takeBack(_ index: Int) {
    free.withLock { $0.giveBack(index) }
  }
}

/// The indices of the slots that nobody holds, as a stack: the slot used last is in the cache.
private struct FreeSlots: ~Copyable {
  private var indices: [Int32]
  private(set) var count: Int

  init(count: Int) {
    indices = (0..<Int32(count)).reversed()
    self.count = count
  }

  mutating func take() -> Int? {
    guard count > 0 else { return nil }
    count -= 1
    return Int(indices[count])
  }

  mutating func giveBack(_ index: Int) {
    indices[count] = Int32(index)
    count += 1
  }
}
