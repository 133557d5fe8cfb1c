import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An acquirer in the test's own process: real sockets, real TLS, and manners of its own.
final class TestAcquirer: Sendable {
  /// What it does once it has read a whole message.
  enum Manner: Sendable {
    case answer(String)
    case closeAfter(String)
    case saySoMuch(bytes: Int)
    case neverAnswer
  }

  private let channel: any Channel
  private let messages = MessageList()

  /// - Parameter tls: nil for a server that accepts connections and says nothing.
  init(_ manner: Manner, tls: NIOSSLContext?) async throws {
    let messages = messages
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let tls else { return }
          try channel.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(context: tls), Conversation(manner, messages),
          ])
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  /// Where it listens.
  var port: Int { channel.localAddress?.port ?? 0 }

  /// The messages that it has read.
  var received: [String] { messages.all }

  func close() async throws {
    try await channel.close().get()
  }
}

/// What an acquirer has read.
final class MessageList: Sendable {
  private let messages = Mutex<[String]>([])
  var all: [String] { messages.withLock { $0 } }
  func append(_ message: String) { messages.withLock { $0.append(message) } }
}

/// Reads one message and behaves as told.
private final class Conversation: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let manner: TestAcquirer.Manner
  private let messages: MessageList
  private var text = ""

  init(_ manner: TestAcquirer.Manner, _ messages: MessageList) {
    self.manner = manner
    self.messages = messages
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    text += String(buffer: unwrapInboundIn(data))
    guard let end = text.firstRange(of: "\r\n\r\n"),
      let length = text.firstRange(of: "Content-Length: "),
      let count = Int(text[length.upperBound..<end.lowerBound].prefix { $0.isNumber }),
      text[end.upperBound...].utf8.count == count
    else { return }
    messages.append(text)
    text = ""
    switch manner {
    case .answer(let answer):
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
    case .closeAfter(let part):
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: part)), promise: nil)
      context.close(promise: nil)
    case .saySoMuch(let bytes):
      var answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n")
      answer.writeRepeatingByte(0x20, count: bytes)
      context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    case .neverAnswer: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
