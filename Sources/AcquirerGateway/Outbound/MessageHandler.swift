import NIOCore
import NIOHTTP1

/// Stands between TLS and the HTTP decoder: sends the message as it was rendered, and counts what
/// comes back.
///
/// The decoder has to see a request's head in order to read the answer to it. This handler takes
/// that head and sends the rendered message in its place, which no encoder has to copy.
final class MessageHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = ByteBuffer

  /// The answer, head and body together, has more bytes than are read.
  struct AnswerTooLarge: Error {}

  private var message: ByteBuffer?
  private var answerBytesLeft: Int

  init(answerBytes: Int) {
    answerBytesLeft = answerBytes
  }

  /// Takes the message that goes out in place of the next request's head.
  func prepare(_ message: ByteBuffer) {
    self.message = message
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard let message else {
      promise?.succeed()
      return
    }
    self.message = nil
    context.write(wrapOutboundOut(message), promise: promise)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    guard bytes.readableBytes <= answerBytesLeft else {
      answerBytesLeft = 0
      context.fireErrorCaught(AnswerTooLarge())
      context.close(promise: nil)
      return
    }
    answerBytesLeft -= bytes.readableBytes
    context.fireChannelRead(data)
  }
}
