import SecretMemory

struct PoolIsEmpty: Error {}

extension SecretPool {
  /// A slot of a pool that has one: `#require` takes no value that cannot be copied.
  func leaseOne() throws -> SecretSlot {
    guard let slot = lease() else { throw PoolIsEmpty() }
    return slot
  }
}
