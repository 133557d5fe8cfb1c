import ConfigurationReading
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS
import SystemCalls
import Tokenization
import VaultCore

/// One connection to an acquirer, for one message after the other.
///
/// Effects only; what it may be used for is ``ConnectionState``'s to say, and for how long
/// ``ConnectionAge``'s.
final class AcquirerConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart
  typealias Opened = (Result<AcquirerConnection, OpeningFailure>) -> Void

  private let pool: LoopPool
  private let messages: MessageHandler
  private let socketBytes = SocketBytes()
  private var state = ConnectionState()
  private(set) var age: ConnectionAge
  private var channel: (any Channel)?
  /// Whom the answer goes to; nil while nothing is under way.
  private var exchange: AcquirerExchange?
  /// Who waits for the connection to stand.
  private var opened: Opened?
  private var deadline: Scheduled<Void>?
  private var keepAlive: KeepAlive?
  /// What the system said last of the connection.
  private(set) var systemError: SystemError?

  init(in pool: LoopPool) {
    self.pool = pool
    messages = MessageHandler(answerBytes: pool.limits.answerBytes)
    age = ConnectionAge(openedAt: LoopPool.now)
  }

  /// Before event loops open connections side by side.
  static func completeTypes() { completeType(ByteToMessageHandler<HTTPResponseDecoder>.self) }

  // MARK: - Opening

  /// Connects and shakes hands, within the time for both.
  ///
  /// - Parameter opened: is told once, on the loop.
  func open(_ opened: @escaping Opened) {
    self.opened = opened
    let time = pool.limits.connectTime
    let loop = pool.loop
    deadline = loop.assumeIsolated().scheduleTask(in: time) {
      self.failToOpen(OpeningFailure(.timeout))
    }
    pool.endpoint.connect(on: loop, within: time)
      .assumeIsolated()
      .whenComplete { result in
        switch result {
        case .success(let channel): self.connected(channel)
        case .failure(let error): self.failToOpen(OpeningFailure(connecting: error))
        }
      }
  }

  /// Begins the handshake. The handlers come now and not in a channel initializer, which runs for
  /// each address that a name has.
  private func connected(_ channel: any Channel) {
    guard opened != nil else { return channel.close(promise: nil) }
    self.channel = channel
    pool.limits.connectionOptions.ask(of: channel)
    do {
      let tls = try NIOSSLClientHandler(
        context: pool.endpoint.tls, serverHostname: pool.endpoint.listing.serverName)
      try channel.pipeline.syncOperations.addHandlers([
        socketBytes, tls, messages, ByteToMessageHandler(HTTPResponseDecoder()), self,
      ])
    } catch {
      failToOpen(OpeningFailure(.tls))
    }
  }

  private func failToOpen(_ failure: OpeningFailure) {
    guard opened != nil else { return }
    systemError = failure.systemError
    _ = state.receive(.ended(.notUsed))
    giveUpOpening(failure)
  }

  private func giveUpOpening(_ failure: OpeningFailure) {
    endOpening().map { $0(.failure(failure)) }
    channel?.close(mode: .all, promise: nil)
    channel = nil
  }

  private func endOpening() -> Opened? {
    deadline?.cancel()
    deadline = nil
    defer { opened = nil }
    return opened
  }

  // MARK: - Use

  /// Whether the next message may be written: nothing has come in the meantime, and the other side
  /// has not closed.
  enum Readiness { case ready, unread, over }

  /// Looks at the socket, which knows before the event loop does.
  func look() -> Readiness {
    guard state.isIdle, let channel, channel.isActive,
      let socket = SocketState.look(at: channel), socket.isEstablished
    else { return .over }
    return socket.bytesReceived == socketBytes.count ? .ready : .unread
  }

  /// Writes a message; its answer goes to `exchange`.
  ///
  /// - Parameter message: makes the bytes, which are wiped when TLS has encrypted them.
  func send(_ message: (ByteBufferAllocator) -> ByteBuffer, for exchange: AcquirerExchange) {
    precondition(state.isIdle, "a connection serves one message at a time")
    guard let channel else { preconditionFailure("a connection that is idle has a channel") }
    _ = state.receive(.taken)
    self.exchange = exchange
    keepAlive = nil
    let bytes = message(channel.allocator)
    messages.prepare(bytes)
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")
    let written = channel.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { _ in wipeStorage(of: bytes) }
    channel.pipeline.syncOperations.write(
      NIOAny(HTTPClientRequestPart.head(head)), promise: written)
    channel.pipeline.syncOperations.flush()
  }

  /// Closes it, whatever it is at.
  func close(_ end: ConnectionEnd) {
    if opened != nil { return failToOpen(OpeningFailure(.abandoned)) }
    exchange = nil
    act(on: state.receive(.ended(end)))
  }

  private func act(on action: ConnectionState.Action) {
    switch action {
    case .nothing: break
    case .opened:
      pool.hasOpened(self)
      endOpening().map { $0(.success(self)) }
    case .openingFailed: giveUpOpening(OpeningFailure(.tls, systemError))
    case .keep: pool.keep(self)
    case .close(let end):
      channel?.close(mode: .all, promise: nil)
      channel = nil
      pool.hasClosed(self, end)
    }
  }

  // MARK: - Channel

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent, opened != nil {
      let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
      let isNamed = pool.endpoint.isNamed(by: tls?.peerCertificate)
      if isNamed { age = ConnectionAge(openedAt: LoopPool.now) }
      act(on: state.receive(.handshakeCompleted(isNamed: isNamed)))
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let exchange else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      keepAlive = KeepAlive(head)
      exchange.receive(head.isCoded ? .answerCoded : .headReceived(status: Int(head.status.code)))
    case .body(let part): exchange.receive(body: part)
    case .end: answered(exchange)
    }
  }

  private func answered(_ exchange: AcquirerExchange) {
    self.exchange = nil
    messages.isExpectingAnswer = false
    let isUnderstood = exchange.receiveEnd()
    guard let keepAlive, isUnderstood else { return act(on: state.receive(.ended(.message))) }
    age.answered(keepAlive, at: LoopPool.now)
    act(
      on: state.receive(
        .answered(
          mayBeKept: keepAlive.isKept,
          endsExactly: messages.extent.endsExactly(keepAlive.framing))))
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    act(on: state.receive(.readCompleted))
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    systemError = SystemError(error)
    if state.isBusy {
      fail(ExchangeState.Event(error, hasBytes: messages.extent.count > 0))
    } else if error is MessageHandler.UnexpectedBytes {
      act(on: state.receive(.unexpectedBytes))
    } else {
      act(on: state.receive(.closedByPeer))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if state.isBusy { fail(.connectionClosed(hasBytes: messages.extent.count > 0)) }
    act(on: state.receive(.closedByPeer))
    context.fireChannelInactive()
  }

  /// Ends the message that is under way, and the connection with it.
  private func fail(_ event: ExchangeState.Event) {
    let exchange = exchange
    self.exchange = nil
    act(on: state.receive(.ended(.message)))
    exchange?.receive(event, systemError)
  }
}

extension ExchangeState.Event {
  /// What an error on a connection means for the message on it.
  ///
  /// - Parameter hasBytes: whether a byte of the answer had come.
  init(_ error: any Error, hasBytes: Bool) {
    switch error {
    case is MessageHandler.AnswerTooLarge: self = .answerTooLarge
    case HTTPParserError.invalidEOFState: self = .connectionClosed(hasBytes: hasBytes)
    case is HTTPParserError, is NIOHTTPDecoderError: self = .notHTTP
    case NIOSSLError.uncleanShutdown: self = .connectionClosed(hasBytes: hasBytes)
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: self = .tlsFailed
    default: self = .connectionClosed(hasBytes: hasBytes)
    }
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
