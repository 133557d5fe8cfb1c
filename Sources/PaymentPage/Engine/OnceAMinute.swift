import Payments
import Synchronization

/// What is done for each of many names once a minute at most.
final class OnceAMinute: Sendable {
  private let times = Mutex<[String: Milliseconds]>([:])
  private static let time: Milliseconds = 60_000
  /// Of names; then those whose minute is over go, and if none is, all.
  private static let most = 10_000

  /// Whether it is to be done for a name now; noted where it is.
  func isDue(_ name: String, at now: Milliseconds) -> Bool {
    times.withLock { times in
      if let last = times[name], now >= last, now - last < Self.time { return false }
      if times.count >= Self.most {
        times = times.filter { now - $0.value < Self.time }
        if times.count >= Self.most { times = [:] }
      }
      times[name] = now
      return true
    }
  }
}
