import Cryptography
import Synchronization

/// Gives each request an identifier for `X-Request-Id`, audit entries and logs.
///
/// 15 characters of lower-case Crockford base 32: 75 random bits. They tell a client nothing about
/// the requests of others, neither how many there were nor in which order they came. A million of a
/// process hold two that are equal with a probability of 2^-36. 15 characters fit in a `String`
/// without an allocation, and the bits come from a pool, since a system call for each request would
/// cost more than the rest of its answer's head.
final class RequestIdentifiers: Sendable {
  private let random: Mutex<RandomPool>

  /// - Throws: ``CryptographyError/memoryUnavailable``.
  init() throws(CryptographyError) {
    random = Mutex(try RandomPool())
  }

  /// The next identifier. May be called by any thread.
  func next() -> String {
    let (high, low) = draw()
    return unsafe String(unsafeUninitializedCapacity: 15) { buffer in
      for index in 0..<15 {
        unsafe buffer[index] = Self.digit((index < 8 ? high : low) >> UInt64(index % 8 * 5))
      }
      return 15
    }
  }

  private func draw() -> (UInt64, UInt64) {
    let drawn: (UInt64, UInt64)? = random.withLock { pool in
      guard let high = try? pool.next(), let low = try? pool.next() else { return nil }
      return (high, low)
    }
    // The kernel's own, where libcrypto's generator says that it has no entropy.
    return drawn ?? (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max))
  }

  private static func digit(_ value: UInt64) -> UInt8 {
    let digits: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
    return unsafe digits.utf8Start[Int(value & 31)]
  }
}
