import Synchronization

/// Counts what each principal asked for, and says when it was too much.
///
/// One token bucket for each principal and operation. A bucket holds as many operations as the
/// quota allows in a minute and refills continuously at that rate, so a burst of a whole minute's
/// quota is granted and then the steady rate.
///
/// The ledger outlives policies. Limits are read from the principal at each call, so those of a
/// reload count at once: a lower one cuts what a bucket holds, a higher one leaves it as it is, and
/// no reload fills a bucket. The ledger grows only with the names that were ever configured.
package final class QuotaLedger: Sendable {
  /// What ``take(_:for:now:)`` decided.
  package enum Decision: Equatable, Sendable {
    /// There was room, and it is now used.
    case granted
    /// There was none; nothing was used. An operation fits again after this many seconds, at
    /// least 1 and at most 60.
    case exceeded(retryAfterSeconds: Int)
  }

  /// One operation, in the unit that a bucket is counted in. A limit of n a minute refills n units
  /// each nanosecond, so that all arithmetic is exact.
  private static let unitsPerOperation: UInt64 = 60_000_000_000

  private struct Key: Hashable {
    let isMerchant: Bool
    let name: String
    let operation: Operation

    /// The name says most: a principal has one bucket for each of three operations.
    func hash(into hasher: inout Hasher) { hasher.combine(name) }
  }

  private struct Bucket {
    var units: UInt64
    var filledAt: UInt64

    /// Refills it up to `now`, for `rate` operations a minute, and takes one out.
    mutating func take(rate: UInt64, now: UInt64) -> Decision {
      let capacity = rate * unitsPerOperation
      // A whole minute fills any bucket, and within one the product stays below 2^63.
      let elapsed = now > filledAt ? min(now - filledAt, unitsPerOperation) : 0
      units = min(min(units, capacity) + elapsed * rate, capacity)
      filledAt = max(filledAt, now)
      guard units >= unitsPerOperation else {
        let waitNanoseconds = (unitsPerOperation - units + rate - 1) / rate
        let seconds = (waitNanoseconds + 999_999_999) / 1_000_000_000
        return .exceeded(retryAfterSeconds: Int(seconds))
      }
      units -= unitsPerOperation
      return .granted
    }
  }

  private let buckets = Mutex<[Key: Bucket]>([:])

  /// Makes a ledger in which nobody has asked for anything.
  package init() {}

  /// Takes one operation out of the principal's quota.
  ///
  /// - Parameters:
  ///   - operation: what it asks for.
  ///   - principal: who asks; its quotas as they stand now count.
  ///   - now: a monotonic clock, in nanoseconds. A value before an earlier one refills nothing.
  /// - Returns: whether there was room.
  package func take(_ operation: Operation, for principal: Principal, now: UInt64) -> Decision {
    guard let perMinute = principal.quotaPerMinute(operation) else { return .granted }
    let key =
      switch principal {
      case .merchant(let merchant):
        Key(isMerchant: true, name: merchant.name, operation: operation)
      case .acquirer(let acquirer):
        Key(isMerchant: false, name: acquirer.name, operation: operation)
      }
    let rate = UInt64(perMinute)
    let capacity = rate * Self.unitsPerOperation
    return buckets.withLock { buckets in
      buckets[key, default: Bucket(units: capacity, filledAt: now)].take(rate: rate, now: now)
    }
  }
}
