import Cards
import NIOCore
import Tokenization
import VaultCore

/// One message and its answer, on a connection that was kept or on a fresh one.
///
/// Effects only; what an event means is ``ExchangeState``'s to say.
final class AcquirerExchange: @unchecked Sendable {
  // Sendable holds: after `init` every property is touched on the pool's loop alone; `start` and
  // `stop`, which anybody may call, only hand over to it.

  private let pool: LoopPool
  private let limits: GatewayLimits
  private let reply: OutcomeReply
  /// Let go as soon as the outcome is known: card and security code do not wait for TLS to close.
  private var message: Message?
  private var state: ExchangeState
  /// Its channel or its opening holds it: so a loop that goes away lets go of both.
  private weak var connection: AcquirerConnection?
  /// Of the answer.
  private var deadline: Scheduled<Void>?
  private var body = ByteBuffer()
  private var isUnderstood = false
  /// What the system said last of the connection.
  private var systemError: SystemError?

  /// - Parameter isIdempotent: whether the acquirer knows a payment again that it has seen.
  init(
    _ message: Message, over pool: LoopPool, limits: GatewayLimits, isIdempotent: Bool,
    reply: OutcomeReply
  ) {
    self.message = message
    self.pool = pool
    self.limits = limits
    self.reply = reply
    state = ExchangeState(isIdempotent: isIdempotent)
  }

  /// Takes a connection or begins to connect. The time for connection and handshake runs from here.
  ///
  /// A message that cannot be rendered is told here, and not by its sender, on whose thread every client
  /// waits.
  func start() {
    pool.loop.execute {
      guard self.message?.canBeRendered() == true else {
        self.message = nil
        return self.reply.give(.notSent(cause: GatewayCause.configuration))
      }
      if let kept = self.pool.take() {
        self.connection = kept
        self.act(on: .connected(isKept: true))
      } else {
        self.connect()
      }
    }
  }

  /// Ends what is under way, whatever stage it is in.
  func stop() {
    pool.loop.execute { self.act(on: .stopped) }
  }

  private func connect() {
    connection = pool.openFresh { [self] result in
      switch result {
      // The outcome may be known already: then it is the next one's.
      case .success(let fresh) where message == nil: pool.keep(fresh)
      case .success(let fresh):
        connection = fresh
        act(on: .connected(isKept: false))
      case .failure(let failure):
        systemError = failure.systemError
        act(on: failure.event)
      }
    }
  }

  private func act(on event: ExchangeState.Event) {
    switch state.receive(event) {
    case .nothing: break
    case .send: send()
    // Whom a reload has stopped believing gets nothing more.
    case .connectAgain where pool.isRetired: act(on: .connectFailed)
    case .connectAgain:
      pool.countRepetition()
      connect()
    case .finish(let end): finish(end)
    }
  }

  private func send() {
    guard let connection, let message else { return act(on: .connectionClosed(hasBytes: true)) }
    if deadline == nil {
      deadline = pool.loop.scheduleTask(in: limits.answerTime) { self.act(on: .answerTimedOut) }
    }
    reply.willSend()
    connection.send(message.rendered, for: self)
  }

  private func finish(_ end: ExchangeState.End) {
    deadline?.cancel()
    deadline = nil
    let outcome = outcome(end)
    message = nil
    wipeStorage(of: body)
    body = ByteBuffer()
    // Where the answer was whole the connection knows itself whether it can be kept.
    if case .answered = end {
      isUnderstood = outcome.isUnderstood
    } else {
      connection?.close(.message)
    }
    connection = nil
    reply.give(outcome)
  }

  private func outcome(_ end: ExchangeState.End) -> AcquirerOutcome {
    switch end {
    case .notSent(let cause): .notSent(cause: cause, error: systemError)
    case .unknown(let cause): .unknown(cause: cause, error: systemError)
    case .answered(let status):
      message?.outcome(status: status, body: body) ?? .unknown(cause: GatewayCause.unmapped)
    }
  }

  // MARK: - From the connection, on its loop

  /// Something happened to the connection, or the head of the answer came.
  ///
  /// - Parameter systemError: what the system said of it.
  func receive(_ event: ExchangeState.Event, _ systemError: SystemError? = nil) {
    self.systemError = systemError
    act(on: event)
  }

  /// A part of the answer's body came. What comes after the outcome is not kept.
  func receive(body part: ByteBuffer) {
    guard deadline != nil else { return }
    var part = part
    body.writeBuffer(&part)
  }

  /// The whole answer is there.
  ///
  /// - Returns: whether it was one that the template knows.
  func receiveEnd() -> Bool {
    act(on: .answerCompleted)
    return isUnderstood
  }
}

extension AcquirerOutcome {
  /// Whether the answer was one that the template knows; after any other one its connection is not
  /// trusted with the next message.
  fileprivate var isUnderstood: Bool {
    switch self {
    case .answered, .rejected: true
    case .notSent, .unknown: false
    }
  }
}

extension Message {
  /// What an answer to this message means.
  fileprivate func outcome(status: Int, body: ByteBuffer) -> AcquirerOutcome {
    let reader = AnswerReader(
      rules: template.answer, requestedAmount: payment.amount?.value,
      decimals: payment.currency?.exponent, securityCode: payment.securityCode,
      operation: payment.operation)
    return read(body, status: status, reader, card.card)
  }

  private func read(
    _ body: ByteBuffer, status: Int, _ reader: AnswerReader, _ card: borrowing StoredCard
  ) -> AcquirerOutcome {
    reader.outcome(status: status, body: body.readableBytesSpan, cardNumber: card.pan.digits)
  }
}
