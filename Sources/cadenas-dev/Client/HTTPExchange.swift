import NIOCore
import NIOHTTP1

/// One request and its answer on a connection that ends with it.
final class HTTPExchange: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let request: HTTPRequestHead
  private let body: String?
  private let promise: EventLoopPromise<HTTPAnswer>
  private var head: HTTPResponseHead?
  private var received: [UInt8] = []

  init(_ request: HTTPRequestHead, _ body: String?, _ promise: EventLoopPromise<HTTPAnswer>) {
    self.request = request
    self.body = body
    self.promise = promise
  }

  func channelActive(context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(request)), promise: nil)
    if let body {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
    case .body(let part):
      received += part.readableBytesView
    case .end:
      guard let head else { return }
      promise.succeed(
        HTTPAnswer(status: Int(head.status.code), headers: head.headers, body: received))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    promise.fail(DevelopmentError.connection("the connection was closed without an answer"))
  }
}
