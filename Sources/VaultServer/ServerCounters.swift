import Synchronization
package import VaultCore

/// What the server has done since it began: for metrics, and for tests.
package final class ServerCounters: Sendable {
  /// The events of connections that are counted.
  package enum Event: String, Sendable, CaseIterable {
    case connectionsAccepted = "connections_accepted"
    /// Closed at once, since as many as allowed were open, and no handshake among them.
    case connectionsOverLimit = "connections_over_limit"
    /// Closed when its client was known, since that has as many as one client may have.
    case connectionsOverClientShare = "connections_over_client_share"
    /// Closed when its client was known, since the merchant or acquirer has as many as it may have.
    case connectionsOverMerchantShare = "connections_over_merchant_share"
    /// The oldest handshake, closed for a newer one.
    case handshakesOverLimit = "handshakes_over_limit"
    /// The oldest handshake of an address, closed for a newer one, since it has as many as one address
    /// may have while others wait.
    case handshakesOverAddressShare = "handshakes_over_address_share"
    /// The system had no descriptor or no memory for a new connection, which waits.
    case acceptsFailed = "accepts_failed"
    case handshakesFailed = "handshakes_failed"
    case handshakesTimedOut = "handshakes_timed_out"
    /// The certificate must not be served: revoked, wrong usage, stale revocation list.
    case clientsRejected = "clients_rejected"
    case requestsTimedOut = "requests_timed_out"
    case idleTimedOut = "idle_timed_out"
    /// The limit of log lines was reached, and a line was left out.
    case logLinesDropped = "log_lines_dropped"
  }

  /// What an answer was about.
  package enum Operation: Int, Sendable, CaseIterable {
    case tokenize, detokenize, delete
    /// None of them: malformed, of an unknown client, or for a resource that does not exist.
    case request

    /// The word for logs and metrics.
    package var word: String { "\(self)" }
  }

  /// Answers of one operation with one status.
  package struct Answers: Equatable, Sendable {
    /// The operation.
    package let operation: Operation
    /// The HTTP status.
    package let status: Int
    /// The answers so far.
    package let count: UInt64
    /// The sum of the times from a request's head to its answer, in microseconds.
    package let microseconds: UInt64
  }

  /// Statuses are below 600.
  private static let statuses = 600

  private struct Sum {
    var count: UInt64 = 0
    var microseconds: UInt64 = 0
  }

  private struct State {
    /// By operation and status.
    var answers = [Sum](
      repeating: Sum(), count: Operation.allCases.count * ServerCounters.statuses)
    var events: [Event: UInt64] = [:]
    /// By operation.
    var durations = [DurationCounts](
      repeating: DurationCounts(), count: Operation.allCases.count)
  }

  private let state = Mutex(State())
  private let open = Atomic(0)

  /// How many connections are open.
  package var connectionsOpen: Int { open.load(ordering: .relaxed) }

  /// How often `event` has happened.
  package func count(_ event: Event) -> UInt64 {
    state.withLock { $0.events[event] ?? 0 }
  }

  /// All answers, ordered by operation and status.
  package var answers: [Answers] {
    let sums = state.withLock { $0.answers }
    return Operation.allCases.flatMap { operation in
      (0..<Self.statuses).compactMap { status in
        let sum = sums[operation.rawValue * Self.statuses + status]
        guard sum.count > 0 else { return nil }
        return Answers(
          operation: operation, status: status, count: sum.count, microseconds: sum.microseconds)
      }
    }
  }

  /// How long requests took, by operation.
  package var durations: [(operation: Operation, durations: DurationCounts)] {
    let durations = state.withLock { $0.durations }
    return Operation.allCases.map { ($0, durations[$0.rawValue]) }
  }

  func add(_ event: Event) {
    state.withLock { $0.events[event, default: 0] += 1 }
  }

  func addAnswer(_ operation: Operation, status: UInt16, microseconds: UInt64) {
    let index = operation.rawValue * Self.statuses + min(Int(status), Self.statuses - 1)
    state.withLock { state in
      state.answers[index].count += 1
      state.answers[index].microseconds &+= microseconds
      state.durations[operation.rawValue].add(
        nanoseconds: Int64(clamping: microseconds) &* 1_000)
    }
  }

  /// Counts one more open connection.
  func openConnection() {
    open.wrappingAdd(1, ordering: .relaxed)
    add(.connectionsAccepted)
  }

  func closeConnection() {
    open.wrappingSubtract(1, ordering: .relaxed)
  }
}
