import NIOCore
import NIOHTTP1

/// Stands between TLS and the HTTP decoder: sends each message as it was rendered, counts what comes
/// back, and lets nothing through that no message asked for.
///
/// The decoder has to see a request's head in order to read the answer to it. This handler takes
/// that head and sends the rendered message in its place, which no encoder has to copy.
///
/// TLS reads into one buffer for as long as a connection lives. So what comes is copied, in its own length, and
/// wiped there at once: who kept a piece of that buffer would have TLS copy the whole of it for each record, and an
/// acquirer that answers byte by byte would take the vault's memory.
final class MessageHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = ByteBuffer

  /// The answer, head and body together, has more bytes than are read.
  struct AnswerTooLarge: Error {}
  /// Bytes that belong to no message.
  struct UnexpectedBytes: Error {}

  private let answerBytes: Int
  private var message: ByteBuffer?
  /// The answer's bytes so far.
  private(set) var extent = AnswerExtent()
  /// Whether a message was sent whose answer is not whole yet.
  var isExpectingAnswer = false

  init(answerBytes: Int) {
    self.answerBytes = answerBytes
  }

  /// Takes the message that goes out in place of the next request's head.
  func prepare(_ message: ByteBuffer) {
    self.message = message
    extent = AnswerExtent()
    isExpectingAnswer = true
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
    let received = unwrapInboundIn(data)
    var bytes = context.channel.allocator.buffer(capacity: received.readableBytes)
    bytes.writeImmutableBuffer(received)
    wipeStorage(of: received)
    guard isExpectingAnswer else { return context.fireErrorCaught(UnexpectedBytes()) }
    guard bytes.readableBytes <= answerBytes - extent.count else {
      isExpectingAnswer = false
      context.fireErrorCaught(AnswerTooLarge())
      context.close(promise: nil)
      return
    }
    extent.add(bytes.readableBytesView)
    context.fireChannelRead(wrapInboundOut(bytes))
  }
}
