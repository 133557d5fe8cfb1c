import NIOCore
import NIOHTTP1

/// Stands between TLS and the HTTP decoder: sends each message as it was rendered, counts what comes
/// back, and lets nothing through that no message asked for.
///
/// The decoder has to see a request's head in order to read the answer to it. This handler takes
/// that head and sends the rendered message in its place, which no encoder has to copy.
///
/// TLS reads into one buffer for as long as a connection lives. So what an answer said is wiped there
/// when the answer has been read.
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
  /// What the answer was read from; wiped when it is over.
  private var read: [ByteBuffer] = []
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
    let bytes = unwrapInboundIn(data)
    read.append(bytes)
    guard isExpectingAnswer else { return context.fireErrorCaught(UnexpectedBytes()) }
    guard bytes.readableBytes <= answerBytes - extent.count else {
      isExpectingAnswer = false
      context.fireErrorCaught(AnswerTooLarge())
      context.close(promise: nil)
      return
    }
    extent.add(bytes.readableBytesView)
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if !isExpectingAnswer { wipeRead() }
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    context.fireChannelInactive()
    wipeRead()
  }

  private func wipeRead() {
    for buffer in read { wipeStorage(of: buffer) }
    read.removeAll(keepingCapacity: true)
  }
}
