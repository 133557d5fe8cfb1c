package import AccessPolicy
package import NIOCore

/// The limits of ``Limits`` that act on the socket.
package struct ServerLimits: Sendable {
  /// Open connections from clients; past it, a new one is closed at once.
  package var connections: Int
  /// The bytes of a request's line and fields together; past it, 431.
  package var headerBytes: Int
  /// The bytes of a request's body; past it, 413.
  package var bodyBytes: Int
  /// Until the TLS handshake has to be complete.
  package var handshake: TimeAmount
  /// Until a request's header has to be complete, from its first byte.
  package var header: TimeAmount
  /// Until a request's body has to be complete, from the end of its header.
  package var body: TimeAmount
  /// How long a connection may stay without a request.
  package var idle: TimeAmount

  /// Takes the limits of the configuration.
  package init(_ limits: Limits = Limits()) {
    connections = limits.connections
    headerBytes = limits.headerBytes
    bodyBytes = limits.bodyBytes
    handshake = .seconds(Int64(limits.handshakeSeconds))
    header = .seconds(Int64(limits.headerSeconds))
    body = .seconds(Int64(limits.bodySeconds))
    idle = .seconds(Int64(limits.idleSeconds))
  }

  /// How often deadlines are looked at: the delay with which the shortest of them may be noticed.
  var tick: TimeAmount {
    let shortest = min(handshake, header, body, idle)
    return .nanoseconds(min(max(shortest.nanoseconds / 10, 5_000_000), 250_000_000))
  }
}
