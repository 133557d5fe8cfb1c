import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A webhook that answers as a script says, and keeps what it was sent.
final class Webhook: Sendable {
  enum Answer: Sendable {
    case status(String)
    /// Nothing at all, for as long as the other side waits.
    case silence
    /// An answer without end.
    case endless
    case close
  }

  /// What came, and what is to be answered: each once, but for the last.
  final class Script: Sendable {
    private let state: Mutex<(answers: [Answer], requests: [String])>

    init(_ answers: [Answer]) { state = Mutex((answers, [])) }

    /// Heads and bodies of all requests so far.
    var requests: [String] { state.withLock { $0.requests } }

    /// Has other answers be given from now on.
    func answer(_ answers: Answer...) { state.withLock { $0.answers = answers } }

    func take(_ request: String) -> Answer {
      state.withLock { state in
        state.requests.append(request)
        return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
      }
    }
  }

  let script: Script
  let port: Int
  private let channel: any Channel

  init(_ context: NIOSSLContext, _ answers: Answer...) async throws {
    let script = Script(answers)
    self.script = script
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            NIOSSLServerHandler(context: context), WebhookAnswerer(script),
          ])
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  func stop() async throws { try await channel.close() }
}

private final class WebhookAnswerer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let script: Webhook.Script
  private var request = ""

  init(_ script: Webhook.Script) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    request += String(buffer: unwrapInboundIn(data))
    guard request.hasSuffix("}") else { return }
    switch script.take(request) {
    case .status(let line):
      write("HTTP/1.1 \(line)\r\nContent-Length: 0\r\n\r\n", context)
    case .endless:
      write("HTTP/1.1 500 Endless\r\nTransfer-Encoding: chunked\r\n\r\n", context)
      goOn(context)
    case .close: context.close(promise: nil)
    case .silence: break
    }
  }

  private func goOn(_ context: ChannelHandlerContext) {
    let bytes = ByteBuffer(string: "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n")
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(bytes)).whenSuccess {
      bound.value.0.goOn(bound.value.1)
    }
  }

  private func write(_ text: String, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
