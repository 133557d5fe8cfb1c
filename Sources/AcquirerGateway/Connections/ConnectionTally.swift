import Synchronization

/// What became of the connections to one acquirer, over all generations of the configuration.
final class ConnectionTally: Sendable {
  private let state = Mutex(ConnectionCounts())

  /// A copy of what was counted.
  var counts: ConnectionCounts { state.withLock { $0 } }

  func count(_ change: (inout ConnectionCounts) -> Void) {
    state.withLock { change(&$0) }
  }
}

/// The connections to one acquirer, counted.
package struct ConnectionCounts: Sendable, Equatable {
  /// Open now.
  package var open = 0
  /// Open now without a message: kept for the next.
  package var idle = 0
  /// Opened since the start, their handshakes complete.
  package var opened = 0
  /// Tried since the start, and not come to stand.
  package var failed = 0
  /// Messages that were sent on a connection that had been kept.
  package var reused = 0
  /// Messages that were sent once more (`idempotent_by`).
  package var repeated = 0
  /// Closed since the start, by cause.
  package var closed: [ConnectionEnd: Int] = [:]
  /// Why the last one that was tried did not come to stand: a word of ``GatewayCause``; nil where it did.
  package var lastFailure: String?

  /// Nothing yet.
  package init() {}
}
