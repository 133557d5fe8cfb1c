import Payments
import Synchronization

/// What the page counts since it started.
final class Figures: Sendable {
  struct Counts: Sendable {
    var payments = 0
    var attempts = 0
    var notifications = 0
    var failedNotifications = 0
    var refusedByAddress = 0
    var refusedByCard = 0
    var refusedByBIN = 0
    var results: [Attempt.Result: Int] = [:]
    /// Answers to shoppers, by the class of their status.
    var answers: [Int: Int] = [:]
  }

  private let state = Mutex(Counts())

  var counts: Counts { state.withLock { $0 } }

  func count(_ body: (inout Counts) -> Void) { state.withLock { body(&$0) } }

  func count(_ result: Attempt.Result) { state.withLock { $0.results[result, default: 0] += 1 } }

  func count(status: Int) { state.withLock { $0.answers[status / 100, default: 0] += 1 } }
}
