import Synchronization

/// Gives each request an identifier for `X-Request-Id`, audit entries and logs.
///
/// 15 characters of lower-case Crockford base 32: 30 bits that are random for the process, and 45 of
/// a counter that begins at random. They are unique within a process, and two processes share one
/// with a probability below 2^-30 for each request of theirs. 15 characters fit in a `String`
/// without an allocation.
final class RequestIdentifiers: Sendable {
  private let prefix = UInt64.random(in: 0..<1 << 30)
  private let counter = Atomic<UInt64>(UInt64.random(in: 0..<1 << 45))

  /// The next identifier. May be called by any thread.
  func next() -> String {
    let count = counter.wrappingAdd(1, ordering: .relaxed).newValue
    return unsafe String(unsafeUninitializedCapacity: 15) { buffer in
      var value = prefix
      for index in (0..<6).reversed() {
        unsafe buffer[index] = Self.digit(value)
        value >>= 5
      }
      value = count
      for index in (6..<15).reversed() {
        unsafe buffer[index] = Self.digit(value)
        value >>= 5
      }
      return 15
    }
  }

  private static func digit(_ value: UInt64) -> UInt8 {
    let digits: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
    return unsafe digits.utf8Start[Int(value & 31)]
  }
}
