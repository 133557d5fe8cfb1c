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
  }
}
