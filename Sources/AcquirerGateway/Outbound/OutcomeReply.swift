import Synchronization
import Tokenization
import VaultCore

/// Gives the outcome of one message to whoever waits for it, exactly once.
///
/// Where everything that could have given an outcome is gone (an event loop that was shut down
/// drops what it was to run), the last reference to go gives one: not sent, as long as the message
/// was not handed to TLS, and unknown from then on.
final class OutcomeReply: Sendable {
  private struct State {
    var reply: (@Sendable (AcquirerOutcome) -> Void)?
    var wasSent = false
  }

  private let state: Mutex<State>

  init(_ reply: @escaping @Sendable (AcquirerOutcome) -> Void) {
    state = Mutex(State(reply: reply))
  }

  deinit {
    let wasSent = state.withLock { $0.wasSent }
    give(
      wasSent
        ? .unknown(cause: GatewayCause.shutdown) : .notSent(cause: GatewayCause.shuttingDown))
  }

  /// Notes that the message is about to be handed to TLS.
  func willSend() {
    state.withLock { $0.wasSent = true }
  }

  /// Gives the outcome; nothing where one was given.
  func give(_ outcome: AcquirerOutcome) {
    let reply = state.withLock { state in
      defer { state.reply = nil }
      return state.reply
    }
    reply?(outcome)
  }
}
