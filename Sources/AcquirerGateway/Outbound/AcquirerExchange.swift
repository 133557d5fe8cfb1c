import Cards
import Configuration
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS
import SecretMemory
import Tokenization
import VaultCore

/// One message on one fresh connection: connects, sends once, reads one answer, closes.
///
/// Effects only; what an event means is ``ExchangeState``'s to say.
final class AcquirerExchange: ChannelInboundHandler, @unchecked Sendable {
  // Sendable holds: after `init` every property is touched on `loop` alone; `start` and `stop`, which
  // anybody may call, only hand over to it.
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let loop: any EventLoop
  /// Let go as soon as the outcome is known: card and security code do not wait for TLS to close.
  private var message: Message?
  private let endpoint: AcquirerEndpoint
  private let limits: GatewayLimits
  private let reply: OutcomeReply
  private let messages: MessageHandler
  private var state = ExchangeState()
  private var channel: (any Channel)?
  private var deadline: Scheduled<Void>?
  private var body = ByteBuffer()
  /// What the system said last of the connection.
  private var systemError: SystemError?

  init(
    _ message: Message, to endpoint: AcquirerEndpoint, limits: GatewayLimits,
    on loop: any EventLoop,
    reply: OutcomeReply
  ) {
    self.loop = loop
    self.message = message
    self.endpoint = endpoint
    self.limits = limits
    self.reply = reply
    messages = MessageHandler(answerBytes: limits.answerBytes)
  }

  /// Begins to connect. The time for connection and handshake runs from here.
  ///
  /// A message that cannot be rendered is told here, and not by its sender, on whose thread every client
  /// waits.
  func start() {
    loop.execute {
      guard self.message?.canBeRendered() == true else {
        self.message = nil
        return self.reply.give(.notSent(cause: GatewayCause.configuration))
      }
      self.connect()
    }
  }

  /// Ends what is under way, whatever stage it is in.
  func stop() {
    loop.execute { self.receive(.stopped) }
  }

  private func connect() {
    deadline = loop.scheduleTask(in: limits.connectTime) { self.receive(.connectTimedOut) }
    ClientBootstrap(group: loop)
      .connectTimeout(limits.connectTime)
      .connect(host: endpoint.url.host, port: Int(endpoint.url.port))
      .whenComplete { result in
        switch result {
        case .success(let channel): self.connected(channel)
        case .failure(let error): self.failedToConnect(ConnectionFailure(connecting: error))
        }
      }
  }

  private func failedToConnect(_ failure: ConnectionFailure) {
    systemError = failure.systemError
    receive(failure.isTimeout ? .connectTimedOut : .connectFailed)
  }

  /// Begins the handshake. The handlers come now and not in a channel initializer, which runs for
  /// each address that a name has.
  private func connected(_ channel: any Channel) {
    guard deadline != nil else { return channel.close(promise: nil) }
    self.channel = channel
    limits.connectionOptions.ask(of: channel)
    do {
      let tls = try NIOSSLClientHandler(
        context: endpoint.tls, serverHostname: endpoint.listing.serverName)
      try channel.pipeline.syncOperations.addHandlers([
        tls, messages, ByteToMessageHandler(HTTPResponseDecoder()), self,
      ])
    } catch {
      receive(.tlsFailed)
    }
  }

  private func receive(_ event: ExchangeState.Event) {
    switch state.receive(event) {
    case .nothing: break
    case .send: send()
    case .finish(let end): finish(end)
    }
  }

  private func send() {
    guard let channel, let message else { return receive(.connectionClosed) }
    deadline?.cancel()
    deadline = loop.scheduleTask(in: limits.answerTime) { self.receive(.answerTimedOut) }
    let bytes = message.rendered(channel.allocator)
    messages.prepare(bytes)
    reply.willSend()
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")
    let written = channel.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { _ in wipeStorage(of: bytes) }
    channel.pipeline.syncOperations.write(
      NIOAny(HTTPClientRequestPart.head(head)), promise: written)
    channel.pipeline.syncOperations.flush()
  }

  private func finish(_ end: ExchangeState.End) {
    deadline?.cancel()
    deadline = nil
    let outcome = outcome(end)
    message = nil
    wipeStorage(of: body)
    body = ByteBuffer()
    channel?.close(mode: .all, promise: nil)
    channel = nil
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

  // MARK: - Channel

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
      let isNamed = endpoint.isNamed(by: tls?.peerCertificate)
      receive(isNamed ? .handshakeCompleted : .tlsFailed)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      receive(
        head.isCoded ? .answerCoded : .headReceived(status: Int(head.status.code)))
    // What comes after the outcome is not kept.
    case .body(var part): if deadline != nil { body.writeBuffer(&part) }
    case .end: receive(.answerCompleted)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    systemError = SystemError(error)
    switch error {
    case is MessageHandler.AnswerTooLarge: receive(.answerTooLarge)
    case HTTPParserError.invalidEOFState: receive(.connectionClosed)
    case is HTTPParserError, is NIOHTTPDecoderError: receive(.notHTTP)
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: receive(.tlsFailed)
    default: receive(.connectionClosed)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    receive(.connectionClosed)
    context.fireChannelInactive()
  }
}

extension HTTPResponseHead {
  /// Whether the body is written in a content coding, which was not asked for (RFC 9110, 8.4).
  fileprivate var isCoded: Bool {
    headers[canonicalForm: "Content-Encoding"].contains {
      !$0.isEmpty && $0.lowercased() != "identity"
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

/// Overwrites everything that a buffer's storage holds, for everybody who still refers to it.
///
/// Only for a buffer that nobody reads any more: a message once its write has completed, when TLS
/// has encrypted it, or an answer once it has been read.
private func wipeStorage(of buffer: ByteBuffer) {
  unsafe buffer.withVeryUnsafeBytes { bytes in
    // The storage is the buffer's own allocation, never constant memory. Through the mutating
    // accessor a shared storage would be copied first, and the copy wiped.
    unsafe wipe(UnsafeMutableRawBufferPointer(mutating: bytes))
  }
}
