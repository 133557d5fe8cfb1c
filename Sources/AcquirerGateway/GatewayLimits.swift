package import AccessPolicy
package import NIOCore

/// The limits of the gateway.
package struct GatewayLimits: Sendable {
  /// How long resolving, connecting and the TLS handshake may take together.
  package var connectTime = TimeAmount.seconds(5)
  /// How long the answer may take from the moment of sending until its last byte.
  package var answerTime = TimeAmount.seconds(30)
  /// The bytes of an answer, head and body together.
  package var answerBytes = 65_536
  /// How many messages may be under way at a time; past it, nothing is sent.
  package var messagesUnderWay = 1_024
  /// How many idle connections are kept to one acquirer.
  package var connectionsKept = 64
  /// How many connections to one acquirer are opened before they are needed, and kept open.
  package var connectionsWarm = 0
  /// How long a connection may be used and stay idle.
  var connectionBounds = ConnectionAge.Bounds(age: 600_000_000_000, idle: 30_000_000_000)
  /// What is asked of each connection's socket.
  var connectionOptions = ConnectionOptions()

  /// The defaults.
  package init() {}

  /// What the configuration says.
  package init(_ limits: Limits) {
    connectTime = .seconds(Int64(limits.acquirerConnectSeconds))
    messagesUnderWay = limits.acquirerMessages
    answerTime = .seconds(Int64(limits.acquirerAnswerSeconds))
    answerBytes = limits.acquirerAnswerBytes
    connectionsKept = limits.acquirerConnectionsKept
    connectionsWarm = limits.acquirerConnectionsWarm
    connectionBounds.age = Int64(limits.acquirerConnectionSeconds) * 1_000_000_000
    connectionBounds.idle = Int64(limits.acquirerConnectionIdleSeconds) * 1_000_000_000
  }
}
