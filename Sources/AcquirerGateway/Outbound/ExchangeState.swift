/// What one message has come to: a pure state machine, which needs no network to be tested.
///
/// The one thing that it decides is what a failure means. Before the message was handed to TLS
/// nothing was sent; from then on nobody knows, whatever happens, until the whole answer is there.
struct ExchangeState {
  /// What happens to an exchange.
  enum Event {
    case handshakeCompleted
    case connectFailed
    case tlsFailed
    case connectTimedOut
    case headReceived(status: Int)
    /// The head says that the body is in a coding that is not read.
    case answerCoded
    case answerCompleted
    case answerTooLarge
    case notHTTP
    case answerTimedOut
    case connectionClosed
    case stopped
  }

  /// What has to be done about it.
  enum Action: Equatable {
    case nothing
    /// Hand the message to TLS; the time for the answer begins.
    case send
    case finish(End)
  }

  /// How the exchange ended.
  enum End: Equatable {
    case notSent(cause: String)
    case unknown(cause: String)
    /// The answer is there as a whole.
    case answered(status: Int)
  }

  private enum Phase {
    case connecting
    case sent
    case answering(status: Int)
    case finished
  }

  private var phase = Phase.connecting

  /// Takes the next event. After one `finish` there is nothing more to do.
  mutating func receive(_ event: Event) -> Action {
    switch phase {
    case .finished: return .nothing
    case .connecting:
      if case .handshakeCompleted = event {
        phase = .sent
        return .send
      }
      return finish(.notSent(cause: ExchangeState.causeBeforeSending(event)))
    case .sent, .answering:
      return receiveAfterSending(event)
    }
  }

  private mutating func receiveAfterSending(_ event: Event) -> Action {
    switch event {
    case .handshakeCompleted: return .nothing
    case .headReceived(let status):
      phase = .answering(status: status)
      return .nothing
    case .answerCompleted:
      guard case .answering(let status) = phase else {
        return finish(.unknown(cause: GatewayCause.notHTTP))
      }
      return finish(.answered(status: status))
    case .answerCoded: return finish(.unknown(cause: GatewayCause.contentCoding))
    case .answerTooLarge: return finish(.unknown(cause: GatewayCause.answerTooLarge))
    case .notHTTP: return finish(.unknown(cause: GatewayCause.notHTTP))
    case .answerTimedOut: return finish(.unknown(cause: GatewayCause.answerTimeout))
    case .stopped: return finish(.unknown(cause: GatewayCause.shutdown))
    case .connectFailed, .tlsFailed, .connectTimedOut, .connectionClosed:
      return finish(.unknown(cause: GatewayCause.connectionClosed))
    }
  }

  private mutating func finish(_ end: End) -> Action {
    phase = .finished
    return .finish(end)
  }

  private static func causeBeforeSending(_ event: Event) -> String {
    switch event {
    case .connectFailed: GatewayCause.connectFailed
    case .connectTimedOut: GatewayCause.connectTimeout
    case .stopped: GatewayCause.shuttingDown
    case .handshakeCompleted, .tlsFailed, .headReceived, .answerCoded, .answerCompleted,
      .answerTooLarge, .notHTTP, .answerTimedOut, .connectionClosed:
      GatewayCause.tls
    }
  }
}
