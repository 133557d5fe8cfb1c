import Synchronization

/// How the shop answers notifications: as it should, or as a shop that is ill, for tests of who sends them.
enum NotificationMode: String, CaseIterable, Sendable {
  /// Takes each and answers 204.
  case ok
  /// Takes none and answers 500.
  case failing = "500"
  /// Takes each and answers 204 after ``NotificationDesk/slowSeconds``.
  case slow
  /// Takes none and closes the connection.
  case drop
  /// Takes each and answers 500 the first time, so that each is sent twice.
  case twice
}

/// Counts notifications, and knows how to answer them.
final class NotificationDesk: Sendable {
  /// How long a slow answer takes, in seconds.
  static let slowSeconds: Int64 = 30
  /// How many pairs of payment and sequence are kept for ``NotificationMode/twice``.
  static let seenLimit = 100_000

  /// What became of those that came.
  struct Counts: Sendable {
    var received = 0
    var taken = 0
    /// Known before, or older than what is known.
    var old = 0
    /// Without a good signature.
    var unsigned = 0
  }

  private struct State {
    var mode: NotificationMode
    var counts = Counts()
    var seen: Set<String> = []
  }

  private let state: Mutex<State>

  init(mode: NotificationMode) { state = Mutex(State(mode: mode)) }

  var counts: Counts { state.withLock { $0.counts } }

  var mode: NotificationMode {
    get { state.withLock { $0.mode } }
    set { state.withLock { $0.mode = newValue } }
  }

  func count(_ body: (inout Counts) -> Void) { state.withLock { body(&$0.counts) } }

  /// Whether this one comes for the first time.
  func isFirst(_ payment: String, _ sequence: Int64) -> Bool {
    state.withLock { state in
      if state.seen.count >= Self.seenLimit { state.seen.removeAll() }
      return state.seen.insert("\(payment) \(sequence)").inserted
    }
  }
}
