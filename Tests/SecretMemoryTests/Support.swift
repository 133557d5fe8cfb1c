import SecretMemory

extension RawSpan {
  /// A copy of the bytes, to compare with.
  var copy: [UInt8] {
    unsafe withUnsafeBytes { unsafe [UInt8]($0) }
  }
}

struct PoolIsEmpty: Error {}

extension SecretPool {
  /// A slot of a pool that has one: `#require` takes no value that cannot be copied.
  func leaseOne() throws -> SecretSlot {
    guard let slot = lease() else { throw PoolIsEmpty() }
    return slot
  }
}
