import Bytes
import SecretMemory
import Testing

struct SecretPoolTests {
  @Test func anEmptyPoolGivesNothingUntilASlotReturns() throws {
    let pool = try SecretPool(slots: 2, slotSize: 19)
    let first = pool.lease()
    do {
      let second = pool.lease()
      let gaveBoth = first != nil && second != nil
      #expect(gaveBoth)
      #expect(pool.slotsInUse == 2)
      let isEmpty = pool.lease() == nil
      #expect(isEmpty)
    }
    #expect(pool.slotsInUse == 1)
    let hasOne = pool.lease() != nil
    #expect(hasOne)
    #expect(pool.slotsInUse == 1)
  }

  @Test func aSlotFillsUpToItsSizeAndNoFurther() throws {
    let pool = try SecretPool(slots: 1, slotSize: 4)
    var slot = try pool.leaseOne()
    let three: [UInt8] = [1, 2, 3]
    #expect(slot.capacity == 4)
    #expect(slot.append(three.rawSpan) == true)
    #expect(slot.append(three.rawSpan) == false)
    #expect(slot.append(4) == true)
    #expect(slot.append(5) == false)
    #expect(slot.bytes.array == [1, 2, 3, 4])
    #expect(slot.isEqual(to: ([1, 2, 3, 4] as [UInt8]).rawSpan) == true)
  }

  @Test func aReturnedSlotIsWiped() throws {
    let pool = try SecretPool(slots: 1, slotSize: 64)
    var address = 0
    do {
      var slot = try pool.leaseOne()
      _ = slot.append(([UInt8](repeating: 0xa5, count: 64)).rawSpan)
      unsafe slot.withMutableBytes { address = Int(bitPattern: $0.baseAddress) }
    }
    // The pool keeps the memory, so it can be read after the slot was returned.
    let memory = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: 64)
    #expect(unsafe memory.allSatisfy { $0 == 0 })
    withExtendedLifetime(pool) {}
  }

  @Test func removingWipes() throws {
    let pool = try SecretPool(slots: 1, slotSize: 8)
    var slot = try pool.leaseOne()
    _ = slot.append(([UInt8](1...8)).rawSpan)
    slot.removeAll()
    #expect(slot.count == 0)
    unsafe slot.fill(count: 8) { bytes in
      let all = unsafe [UInt8](bytes)
      #expect(all == [UInt8](repeating: 0, count: 8))
    }
    #expect(slot.count == 8)
  }

  @Test func aFailedFillLeavesTheSlotEmptyAndWiped() throws {
    struct Refused: Error {}
    let pool = try SecretPool(slots: 1, slotSize: 8)
    var slot = try pool.leaseOne()
    _ = slot.append(1)
    var address = 0
    do {
      try unsafe slot.fill(count: 8) { bytes throws(Refused) in
        address = Int(bitPattern: bytes.baseAddress)
        for index in bytes.indices { unsafe bytes[index] = 0xa5 }
        throw Refused()
      }
      Issue.record("the error was swallowed")
    } catch {}
    #expect(slot.count == 0)
    let memory = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: 8)
    #expect(unsafe memory.allSatisfy { $0 == 0 })
  }

  @Test func aSlotKeepsItsPoolAlive() throws {
    var slot = try SecretPool(slots: 1, slotSize: 8).leaseOne()
    #expect(slot.append(7) == true)
    #expect(slot.bytes.array == [7])
  }

  @Test func threadsNeverHoldTheSameSlot() async throws {
    let pool = try SecretPool(slots: 8, slotSize: 8)
    let overlapCount = await withTaskGroup(of: Int.self) { group in
      for task in 0..<8 {
        group.addTask { countOverlaps(in: pool, mark: UInt8(task + 1)) }
      }
      return await group.reduce(0, +)
    }
    #expect(overlapCount == 0)
    #expect(pool.slotsInUse == 0)
  }
}

/// Takes slots again and again, and counts those that held another mark than the one just written.
private func countOverlaps(in pool: SecretPool, mark: UInt8) -> Int {
  let bytes = [UInt8](repeating: mark, count: 8)
  var overlapCount = 0
  for _ in 0..<5_000 {
    guard var slot = pool.lease() else { continue }
    _ = slot.append(bytes.rawSpan)
    if !slot.isEqual(to: bytes.rawSpan) { overlapCount += 1 }
  }
  return overlapCount
}
