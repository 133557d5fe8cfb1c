/// What one message has come to: a pure state machine, which needs no network to be tested.
///
/// The one thing that it decides is what a failure means. Before the message was handed to TLS
/// nothing was sent; from then on nobody knows, whatever happens, until the whole answer is there.
///
/// One case alone is sent again: on a connection that had been kept, which ended before a byte of the
/// answer, to an acquirer whose template says that it knows a payment again. From then on it is unknown.
struct ExchangeState {
  /// What happens to an exchange.
  enum Event {
    /// A connection stands, and may be written to.
    ///
    /// - Parameter isKept: whether it had been open before this message wanted it.
    case connected(isKept: Bool)
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
    /// - Parameter hasBytes: whether a byte of the answer had come.
    case connectionClosed(hasBytes: Bool)
    case stopped
  }

  /// What has to be done about it.
  enum Action: Equatable {
    case nothing
    /// Hand the message to TLS; the time for the answer begins, where it has not begun.
    case send
    /// Open a fresh connection for the same message, within the time that has begun.
    case connectAgain
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
    /// - Parameter isLast: whether it is not sent again whatever happens.
    case sent(isLast: Bool)
    /// It may have been read once, and is to be sent a second time.
    case connectingAgain
    case answering(status: Int)
    case finished
  }

  private let isIdempotent: Bool
  private var phase = Phase.connecting

  /// - Parameter isIdempotent: whether the acquirer knows a payment again that it has seen.
  init(isIdempotent: Bool = false) {
    self.isIdempotent = isIdempotent
  }

  /// Takes the next event. After one `finish` there is nothing more to do.
  mutating func receive(_ event: Event) -> Action {
    switch (phase, event) {
    case (.finished, _): return .nothing
    case (.connecting, .connected(let isKept)):
      phase = .sent(isLast: !isKept || !isIdempotent)
      return .send
    case (.connecting, _):
      return finish(.notSent(cause: ExchangeState.causeBeforeSending(event)))
    case (.sent(isLast: false), .connectionClosed(hasBytes: false)):
      phase = .connectingAgain
      return .connectAgain
    case (.connectingAgain, .connected):
      phase = .sent(isLast: true)
      return .send
    case (.sent, _), (.answering, _), (.connectingAgain, _):
      return receiveAfterSending(event)
    }
  }

  private mutating func receiveAfterSending(_ event: Event) -> Action {
    switch event {
    case .connected: return .nothing
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
    case .connected, .tlsFailed, .headReceived, .answerCoded, .answerCompleted,
      .answerTooLarge, .notHTTP, .answerTimedOut, .connectionClosed:
      GatewayCause.tls
    }
  }
}
