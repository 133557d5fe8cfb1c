/// Why a connection to an acquirer was closed.
package enum ConnectionEnd: String, Sendable, CaseIterable {
  /// The acquirer closed it while nothing was under way on it, or had when it was to be used.
  case peer
  /// The answer said so: `Connection: close`, HTTP/1.0, or no length.
  case asked
  /// It had been open for as long as it may.
  case age
  /// It had been idle for as long as it may, here or at the acquirer.
  case idle
  /// The acquirer takes no more messages on it.
  case messages
  /// There were as many idle ones as are kept.
  case spare
  /// Bytes came that belong to no message, or after the whole answer.
  case surplus
  /// Its message ended without an answer that could be used: time-out, error, end, stop.
  case message
  /// A reload has put another generation of the acquirer in force.
  case reload
  /// The service stops.
  case shutdown
  /// Nobody wanted it any more before it stood, or it was opened to be looked at only.
  case notUsed = "not-used"
}
