import Synchronization

/// Keeps a client that is refused again and again from filling the disk with audit entries.
///
/// The first refusals of a client in a minute are stored one by one; those past the limit are only
/// counted, and the minute's count becomes one entry when the minute has ended.
package final class RefusalLedger: Sendable {
  /// What to do with one refusal.
  package enum Decision: Equatable, Sendable {
    /// Store an entry for it.
    case store
    /// It has been counted; ``flush(now:)`` gives the count.
    case count
  }

  /// Refusals of one client in one minute that were counted instead of stored.
  package struct Counted: Equatable, Sendable {
    /// The client, as it was named to ``record(client:now:)``.
    package let client: String
    /// How many; at least 1.
    package let count: Int
  }

  private static let minute: UInt64 = 60_000_000_000

  private struct Window {
    var start: UInt64
    var stored = 0
    var counted = 0

    func hasEnded(_ now: UInt64) -> Bool { now >= start && now - start >= RefusalLedger.minute }
  }

  private struct State {
    var windows: [String: Window] = [:]
    /// Minutes that had ended when the same client was refused again before a flush.
    var ended: [Counted] = []
  }

  private let state = Mutex(State())
  private let storedPerMinute: Int

  /// Makes a ledger that stores the first `storedPerMinute` refusals of each client and minute.
  package init(storedPerMinute: Int = Limits().refusalsStoredPerMinute) {
    self.storedPerMinute = storedPerMinute
  }

  /// Decides about one refusal. A client's minute begins with its first refusal.
  ///
  /// - Parameters:
  ///   - client: a name that the policy knows; clients that it does not know are logged, never
  ///     stored, and must not be given here, since each name takes memory until its minute's flush.
  ///   - isStorable: whether there is room for an entry of its own.
  ///   - now: a monotonic clock, in nanoseconds.
  /// - Returns: whether it becomes an entry of its own.
  package func record(client: String, storing isStorable: Bool = true, now: UInt64) -> Decision {
    state.withLock { state in
      var window = state.windows[client] ?? Window(start: now)
      if window.hasEnded(now) {
        if window.counted > 0 {
          state.ended.append(Counted(client: client, count: window.counted))
        }
        window = Window(start: now)
      }
      defer { state.windows[client] = window }
      if isStorable, window.stored < storedPerMinute {
        window.stored += 1
        return .store
      }
      window.counted += 1
      return .count
    }
  }

  /// Whether somebody has a minute under way, or one that no flush has taken.
  func isKnown(_ client: String) -> Bool { state.withLock { $0.windows[client] != nil } }

  /// How many clients have.
  var clientCount: Int { state.withLock { $0.windows.count } }

  /// The counts of the minutes that have ended, each given once, ordered by client.
  ///
  /// Called at least every few minutes; a stop passes `UInt64.max`, which ends every minute.
  package func flush(now: UInt64) -> [Counted] {
    state.withLock { state in
      var counts = state.ended
      state.ended = []
      for (client, window) in state.windows where window.hasEnded(now) {
        state.windows[client] = nil
        if window.counted > 0 {
          counts.append(Counted(client: client, count: window.counted))
        }
      }
      return counts.sorted { ($0.client, $0.count) < ($1.client, $1.count) }
    }
  }
}
