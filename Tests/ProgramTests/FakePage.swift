import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

@testable import cadenas_dev

/// The payment page's interface for shops, and the vault's, as far as a shop asks: mutual TLS, and the answers
/// that a test has put there.
final class FakePage: Sendable {
  struct Received: Sendable {
    let method: HTTPMethod
    let path: String
    let headers: HTTPHeaders
    let body: [UInt8]
  }

  struct Answer: Sendable {
    let status: Int
    let body: String
  }

  private struct State {
    var channel: (any Channel)?
    var requests: [Received] = []
    var answers: [String: Answer] = [:]
    /// Answers that are given once, before those.
    var first: [String: [Answer]] = [:]
  }

  private let state = Mutex(State())

  var requests: [Received] { state.withLock { $0.requests } }

  var endpoint: Endpoint {
    let address = state.withLock { $0.channel?.localAddress }
    return Endpoint(host: "127.0.0.1", port: address?.port ?? 0)
  }

  /// From now on `request` (`GET /path`) is answered so.
  func answer(_ request: String, _ status: Int, _ body: String = "") {
    state.withLock { $0.answers[request] = Answer(status: status, body: body) }
  }

  /// The next `request` is answered so, before what it is answered otherwise.
  func answerOnce(_ request: String, _ status: Int, _ body: String) {
    state.withLock { $0.first[request, default: []].append(Answer(status: status, body: body)) }
  }

  /// Listens with the pair of the vault; clients show a certificate of its authority.
  static func start(with material: TLSMaterial) throws -> FakePage {
    let page = FakePage()
    page.answer(
      "POST /v1/payments", 201,
      #"{"payment":"pp_1","state":"open","url":"https://pay.example/p/1","expires_at":"2030-01-01T00:00:00Z"}"#
    )
    let context = try material.server("vault", trusting: "ca")
    let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLServerHandler(context: context))
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(NIOHTTPServerRequestAggregator(maxContentLength: 1 << 20))
          try pipeline.addHandler(FakePageHandler(page: page))
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    page.state.withLock { $0.channel = channel }
    return page
  }

  func stop() { state.withLock { $0.channel }?.close(promise: nil) }

  fileprivate func take(_ request: Received) -> Answer {
    state.withLock { state in
      state.requests.append(request)
      let name = "\(request.method) \(request.path)"
      if state.first[name]?.isEmpty == false, let answer = state.first[name]?.removeFirst() {
        return answer
      }
      return state.answers[name]
        ?? Answer(status: 404, body: #"{"type":"urn:cadenas:problem:no-such-resource"}"#)
    }
  }
}

private final class FakePageHandler: ChannelInboundHandler {
  typealias InboundIn = NIOHTTPServerRequestFull
  typealias OutboundOut = HTTPServerResponsePart

  private let page: FakePage

  init(page: FakePage) { self.page = page }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let request = unwrapInboundIn(data)
    let answer = page.take(
      FakePage.Received(
        method: request.head.method, path: request.head.uri, headers: request.head.headers,
        body: request.body.map { Array($0.readableBytesView) } ?? []))
    let body = ByteBuffer(string: answer.body)
    var head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status))
    if answer.status != 204 {
      head.headers.add(name: "Content-Length", value: "\(body.readableBytes)")
    }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
