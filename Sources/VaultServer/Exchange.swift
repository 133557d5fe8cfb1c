import AccessPolicy
import NIOCore
import Tokenization
import VaultCore

/// One request on its way through a connection, from its head to its answer. Confined to the connection's
/// event loop.
final class Exchange {
  /// What the head said.
  let head: RequestHead
  /// What `X-Request-Id` says.
  let requestIdentifier: String
  /// Who asks, where a policy knows them.
  var caller: Caller?
  /// What the gate decided.
  var verdict: RequestGate.Verdict
  /// When the head had been read.
  let startedAt: NIODeadline
  /// Whether the connection closes after the answer.
  var closes: Bool
  /// Whether `100 Continue` has been sent, or was not asked for.
  var hasContinued: Bool

  init(
    head: RequestHead, requestIdentifier: String, caller: Caller?, verdict: RequestGate.Verdict,
    startedAt: NIODeadline, closes: Bool, hasContinued: Bool
  ) {
    self.head = head
    self.requestIdentifier = requestIdentifier
    self.caller = caller
    self.verdict = verdict
    self.startedAt = startedAt
    self.closes = closes
    self.hasContinued = hasContinued
  }

  /// The word for logs and metrics.
  var operation: ServerCounters.Operation {
    guard caller != nil, let operation = head.route.operation else { return .request }
    switch operation {
    case .tokenize: return .tokenize
    case .detokenize: return .detokenize
    case .delete: return .delete
    }
  }
}

/// Where a connection stands.
enum ConnectionPhase {
  /// Nothing has come yet.
  case silent
  /// TLS has not been set up.
  case handshaking
  /// Between requests.
  case idle
  /// A head has begun; so many bytes of it have been looked at.
  case head(scanned: Int)
  /// A head has been read, its body not yet.
  case body(Exchange)
  /// The answer is being made; what arrives meanwhile waits.
  case answering(Exchange)
  /// Nothing more is read.
  case closing
}
