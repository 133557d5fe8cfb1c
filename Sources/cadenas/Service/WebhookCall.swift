import ConfigurationReading
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One message to a webhook, on a connection of its own, and the status of its answer. What else the answer
/// holds is not read: the connection closes with its head.
enum WebhookCall {
  /// From the connection's beginning to the head of the answer.
  static let patience = TimeAmount.seconds(10)

  /// Why there was no answer that counts.
  enum Failure: Error, Equatable {
    case timeout
    case closed
    case status(Int)
  }

  /// Posts `body`, and succeeds where the answer's status is one of 200 to 299.
  static func post(
    _ body: [UInt8], identifier: String, to target: WebhookTarget, on loop: any EventLoop,
    within patience: TimeAmount = WebhookCall.patience
  ) -> EventLoopFuture<Void> {
    let answered = loop.makePromise(of: Void.self)
    let deadline = loop.scheduleTask(in: patience) { answered.fail(Failure.timeout) }
    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: target.path)
    head.headers = [
      "Host": target.authority, "Content-Type": "application/json",
      "Content-Length": "\(body.count)", "User-Agent": "cadenas", "Idempotency-Key": identifier,
      "Connection": "close",
    ]
    let message = head
    // The handlers come when it stands, and not in an initializer, which runs for each address of the name.
    let connecting = ClientBootstrap(group: loop)
      .connectTimeout(patience)
      .connect(host: target.url.host, port: Int(target.url.port))
    connecting.flatMapThrowing { channel in
      try channel.pipeline.syncOperations.addHandlers([
        try tls(target), HTTPRequestEncoder(), ByteToMessageHandler(HTTPResponseDecoder()),
        WebhookHandler(message, body, answered),
      ])
    }.whenFailure { answered.fail($0) }
    answered.futureResult.whenComplete { _ in
      deadline.cancel()
      // One that comes to stand after the time is closed too.
      connecting.whenSuccess { $0.close(mode: .all, promise: nil) }
    }
    return answered.futureResult
  }

  /// An address is no name that the handler could ask for: then the certificate has to carry the address.
  private static func tls(_ target: WebhookTarget) throws -> NIOSSLClientHandler {
    do {
      return try NIOSSLClientHandler(context: target.context, serverHostname: target.url.host)
    } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
      return try NIOSSLClientHandler(context: target.context, serverHostname: nil)
    }
  }
}

private final class WebhookHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let head: HTTPRequestHead
  private let body: [UInt8]
  private let answered: EventLoopPromise<Void>

  init(_ head: HTTPRequestHead, _ body: [UInt8], _ answered: EventLoopPromise<Void>) {
    self.head = head
    self.body = body
    self.answered = answered
  }

  func handlerAdded(context: ChannelHandlerContext) {
    // The handler of TLS keeps this until the handshake is done.
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let head) = unwrapInboundIn(data) else { return }
    let status = Int(head.status.code)
    guard status >= 200 else { return }
    if status < 300 {
      answered.succeed(())
    } else {
      answered.fail(WebhookCall.Failure.status(status))
    }
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    answered.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    answered.fail(WebhookCall.Failure.closed)
    context.fireChannelInactive()
  }
}
