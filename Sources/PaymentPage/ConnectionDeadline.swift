import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long: a request has ten seconds from its head to its end, and
/// a connection a minute for its next head, however many bytes trickle in.
final class ConnectionDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart

  /// For the first request of a connection, handshake and all.
  static let first = TimeAmount.seconds(15)
  static let body = TimeAmount.seconds(10)
  static let next = TimeAmount.seconds(60)

  private var deadline: Scheduled<Void>?

  func handlerAdded(context: ChannelHandlerContext) { start(Self.first, context) }

  func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: start(Self.body, context)
    case .body: break
    // The answer takes its own time; a client that waits for it is not late.
    case .end: start(Self.next, context)
    }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }

  private func start(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    let channel = context.channel
    deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}
