package import AccessPolicy
package import NIOCore

/// The limits of ``Limits`` that act on the socket.
package struct ServerLimits: Sendable {
  /// How many connections may be open, and whose.
  package var connections: ConnectionLimits
  /// The bytes of a request's line and fields together; past it, 431.
  package var headerBytes: Int
  /// The bytes of a request's body, but for detokenize; past it, 413.
  package var bodyBytes: Int
  /// The bytes of a detokenize's body.
  package var detokenizeBodyBytes: Int
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
    connections = ConnectionLimits(
      total: limits.connections, handshakes: limits.handshakes,
      byClient: limits.connectionsByClient,
      byPrincipal: limits.connectionsByMerchant)
    headerBytes = limits.headerBytes
    bodyBytes = limits.bodyBytes
    detokenizeBodyBytes = limits.detokenizeBodyBytes
    handshake = .seconds(Int64(limits.handshakeSeconds))
    header = .seconds(Int64(limits.headerSeconds))
    body = .seconds(Int64(limits.bodySeconds))
    idle = .seconds(Int64(limits.idleSeconds))
  }

  /// The bytes of a body on `route`.
  func bodyBytes(on route: Route) -> Int {
    if case .detokenize = route { detokenizeBodyBytes } else { bodyBytes }
  }

  /// How long a client is waited for to end TLS, to whom nothing is owed.
  let farewell = TimeAmount.milliseconds(200)

  /// How often deadlines are looked at: the delay with which the shortest of them may be noticed.
  var tick: TimeAmount {
    let shortest = min(handshake, header, body, idle)
    return .nanoseconds(min(max(shortest.nanoseconds / 10, 5_000_000), 250_000_000))
  }
}

/// How many connections may be open, and whose. Any of them may be above another, and then it is never
/// reached.
package struct ConnectionLimits: Sendable {
  /// All connections.
  package var total: Int
  /// Those whose client no policy knows, yet or at all.
  package var handshakes: Int
  /// Those of one client.
  package var byClient: Int
  /// Those of one merchant, or of one acquirer.
  package var byPrincipal: Int

  /// The handshakes of one address while others wait: a quarter of all.
  var byAddress: Int { max(1, handshakes / 4) }
}
