import NIOCore
import NIOHTTP1

/// One request and its answer on a connection that ends with it.
final class HTTPExchange: ChannelInboundHandler {
  typealias InboundIn = NIOHTTPClientResponseFull
  typealias OutboundOut = HTTPClientRequestPart

  private let request: HTTPRequestHead
  private let body: String?
  private let promise: EventLoopPromise<HTTPAnswer>

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
    let answer = unwrapInboundIn(data)
    promise.succeed(
      HTTPAnswer(
        status: Int(answer.head.status.code), headers: answer.head.headers,
        body: answer.body.map { Array($0.readableBytesView) } ?? []))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    promise.fail(DevelopmentError.connection("the connection was closed without an answer"))
  }
}
