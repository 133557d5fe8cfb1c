import AuditLog
import Tokenization
import VaultCore

/// The fixed words that say what became of a message; never text of the other side's.
package enum GatewayCause {
  // Before the message was handed to TLS: certainly not sent.

  /// The gateway has no such acquirer, operation or merchant (any more): a reload came in between.
  package static let configuration = "configuration"
  /// The gateway is shutting down.
  package static let shuttingDown = "shutting-down"
  /// The name could not be resolved, or nobody listens there.
  package static let connectFailed = "connect-failed"
  /// Connection and handshake were not complete in time.
  package static let connectTimeout = "connect-timeout"
  /// The handshake failed: another authority or name, or the other side refused.
  package static let tls = "tls"

  // From then on: unknown.

  /// The answer was not complete in time.
  package static let answerTimeout = "answer-timeout"
  /// The connection ended before the answer did.
  package static let connectionClosed = "connection-closed"
  /// What came is not HTTP/1.1.
  package static let notHTTP = "not-http"
  /// The answer has more bytes, values or levels than the gateway reads.
  package static let answerTooLarge = "answer-too-large"
  /// The body is in a content coding, such as gzip, although none was asked for.
  package static let contentCoding = "content-coding"
  /// The body is not JSON.
  package static let notJSON = "not-json"
  /// No rule of the template holds.
  package static let unmapped = "unmapped"
  /// A rule of the template says that it is not known.
  package static let declaredUnknown = "declared-unknown"
  /// The approved amount cannot be read, or is more than was asked for.
  package static let approvedAmount = "approved-amount"
  /// The outcome of an authentication came without what has to be handed on: version and status, or what
  /// a challenge takes.
  package static let authenticationData = "authentication-data"
  /// The answer holds the card number, and besides is one of the above; or its approved amount, a
  /// part of what was asked for, holds nine or more digits of the number.
  package static let cardNumberInAnswer = AuditReason.cardNumberInAnswer
  /// The stop did not wait any longer.
  package static let shutdown = "shutdown"
}
