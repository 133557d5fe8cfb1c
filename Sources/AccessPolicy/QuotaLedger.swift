import Synchronization

/// Counts what each principal asked for, and says when it was too much.
///
/// One token bucket for each principal and operation, and one for each client that has a quota of its own
/// for the operation. A request of such a client takes from both buckets or from neither, and is told the
/// longer of two waits: one client that is refused uses up nothing of the others'. What a client asks for
/// without having the right, the merchant having it, takes from a bucket of the client's alone, which holds
/// as much as its own quota or else the merchant's: it is bounded, and takes nothing from those who may.
///
/// A bucket holds as many operations as the
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
    /// The client whose own the bucket is; nil for that of the principal.
    var client: String?
    let operation: Operation

    /// The names say most: there is one bucket for each of three operations.
    func hash(into hasher: inout Hasher) {
      hasher.combine(name)
      if let client { hasher.combine(client) }
    }
  }

  private struct Bucket {
    var units: UInt64
    var filledAt: UInt64

    /// Refills it up to `now`, for `rate` operations a minute, and says whether one is in it.
    mutating func refill(rate: UInt64, now: UInt64) -> Decision {
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
      return .granted
    }

    /// Takes one operation out, which is in it.
    mutating func take() { units -= unitsPerOperation }

    /// Refills it and takes one operation out, if one is in it.
    mutating func takeIfThere(rate: UInt64, now: UInt64) -> Decision {
      let decision = refill(rate: rate, now: now)
      if case .granted = decision { take() }
      return decision
    }
  }

  /// A bucket, and how many operations a minute fill it.
  private typealias Share = (key: Key, perMinute: Int)

  private let buckets = Mutex<[Key: Bucket]>([:])

  /// Makes a ledger in which nobody has asked for anything.
  package init() {}

  /// Takes one operation out of the principal's quota, and out of the client's own where it has one.
  ///
  /// - Parameters:
  ///   - operation: what it asks for.
  ///   - principal: for whom it is asked; its quotas as they stand now count.
  ///   - actor: the identity of the client that asks.
  ///   - now: a monotonic clock, in nanoseconds. A value before an earlier one refills nothing.
  /// - Returns: whether there was room.
  package func take(
    _ operation: Operation, for principal: Principal, actor: String, now: UInt64
  ) -> Decision {
    let perMinute = principal.quotaPerMinute(operation)
    switch principal {
    case .acquirer(let acquirer):
      return take(perMinute, Key(isMerchant: false, name: acquirer.name, operation: operation), now)
    case .merchant(let merchant):
      var key = Key(isMerchant: true, name: merchant.name, operation: operation)
      guard let client = merchant.restriction(of: actor) else { return take(perMinute, key, now) }
      let ownPerMinute = client.quotas.perMinute(operation)
      let whole = perMinute.map { (key, $0) }
      key.client = actor
      guard merchant.permits(operation, to: actor) || !merchant.operations.contains(operation)
      else { return take(ownPerMinute ?? perMinute, key, now) }
      return take([whole, ownPerMinute.map { (key, $0) }].compactMap(\.self), now)
    }
  }

  /// Takes one operation out of one bucket; `perMinute` nil is without bound.
  private func take(_ perMinute: Int?, _ key: Key, _ now: UInt64) -> Decision {
    guard let perMinute else { return .granted }
    let rate = UInt64(perMinute)
    let full = Bucket(units: rate * Self.unitsPerOperation, filledAt: now)
    return buckets.withLock { buckets in
      buckets[key, default: full].takeIfThere(rate: rate, now: now)
    }
  }

  /// Takes one operation out of every bucket, or out of none where one of them has none.
  private func take(_ shares: [Share], _ now: UInt64) -> Decision {
    buckets.withLock { buckets in
      var waitSeconds = 0
      for share in shares {
        let rate = UInt64(share.perMinute)
        let full = Bucket(units: rate * Self.unitsPerOperation, filledAt: now)
        let decision = buckets[share.key, default: full].refill(rate: rate, now: now)
        if case .exceeded(let seconds) = decision { waitSeconds = max(waitSeconds, seconds) }
      }
      guard waitSeconds == 0 else { return .exceeded(retryAfterSeconds: waitSeconds) }
      for share in shares { buckets[share.key]?.take() }
      return .granted
    }
  }
}
