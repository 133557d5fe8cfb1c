import NIOCore
import NIOSSL
import Tokenization
import VaultCore

/// Why a connection to an acquirer did not come to stand.
struct OpeningFailure: Error {
  enum Kind {
    /// The name could not be resolved, or nobody listens there.
    case connect
    /// The time was up.
    case timeout
    /// The handshake failed.
    case tls
    /// The handshake went well, and the certificate does not carry the pinned name.
    case name
    /// Nobody wants it any more.
    case abandoned
  }

  let kind: Kind
  /// What the system said; nil where it said nothing.
  let systemError: SystemError?

  init(_ kind: Kind, _ systemError: SystemError? = nil) {
    self.kind = kind
    self.systemError = systemError
  }

  init(connecting error: any Error) {
    let failure = ConnectionFailure(connecting: error)
    self.init(failure.isTimeout ? .timeout : .connect, failure.systemError)
  }

  /// What it means for a message.
  var event: ExchangeState.Event {
    switch kind {
    case .connect: .connectFailed
    case .timeout: .connectTimedOut
    case .tls, .name: .tlsFailed
    case .abandoned: .stopped
    }
  }

  /// The word of ``GatewayCause``.
  var cause: String {
    switch kind {
    case .connect: GatewayCause.connectFailed
    case .timeout: GatewayCause.connectTimeout
    case .tls, .name: GatewayCause.tls
    case .abandoned: GatewayCause.shuttingDown
    }
  }
}
