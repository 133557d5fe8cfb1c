import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

@testable import cadenas_dev

/// A client of the vault that sends exactly the bytes it is told to, over TLS, and keeps its
/// connection for as long as it is told to.
///
/// It is no HTTP library on purpose: a test that knows the contract alone must be able to say what
/// none would send.
final class Wire: Sendable {
  /// How long an answer or an end is waited for. Reached only where a test fails.
  static let patience = TimeAmount.seconds(90)

  private let channel: any Channel
  private let inbox: Inbox

  /// The connection ended, or nothing came in time, before what was waited for.
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  /// Connects to `endpoint` with the pair of `context`. Whether the vault takes the certificate shows
  /// with the first answer only: that is how TLS 1.3 is.
  init(to endpoint: Endpoint, context: NIOSSLContext) async throws {
    let inbox = Inbox()
    self.inbox = inbox
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(Self.patience)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: "localhost"))
          try pipeline.addHandler(InboxHandler(inbox))
        }
      }
      .connect(host: endpoint.host, port: endpoint.port).get()
  }

  /// Sends a text as it stands.
  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  /// Sends bytes as they stand.
  func send(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
  }

  /// The next answer.
  func answer(hasBody: Bool = true) async throws -> WireAnswer {
    let answer = try await next { $0.take(hasBody: hasBody) }
    guard let answer else { throw Failed(description: "the connection ended without an answer") }
    return answer
  }

  /// Sends a request and waits for its answer.
  func ask(_ request: WireRequest) async throws -> WireAnswer {
    try await send(request.text)
    return try await answer(hasBody: request.method != "HEAD")
  }

  /// Waits until the vault has ended the connection, and returns what came before and was not read.
  func untilClosed() async throws -> String {
    try await next { $0.isClosed ? String(decoding: $0.bytes, as: UTF8.self) : nil } ?? ""
  }

  /// Whether the vault has ended the connection by now.
  var isClosed: Bool { inbox.state.withLock { $0.isClosed } }

  /// Ends the connection.
  func close() async {
    try? await channel.close()
  }

  /// Waits until `read` finds something, or the connection has ended.
  private func next<Value>(_ read: (inout Inbox.State) -> Value?) async throws -> Value? {
    let inbox = inbox
    inbox.state.withLock { $0.isLate = false }
    let alarm = channel.eventLoop.scheduleTask(in: Self.patience) {
      inbox.update { $0.isLate = true }
    }
    defer { alarm.cancel() }
    while true {
      let (value, isClosed, isLate) = inbox.state.withLock { (read(&$0), $0.isClosed, $0.isLate) }
      if let value { return value }
      if isClosed { return nil }
      if isLate { throw Failed(description: "nothing came in \(Self.patience.nanoseconds) ns") }
      await inbox.change()
    }
  }
}

/// What has arrived on a connection, and who waits for more.
private final class Inbox: Sendable {
  struct State {
    var bytes: [UInt8] = []
    var isClosed = false
    var isLate = false
    var hasChanged = false
    var waiter: CheckedContinuation<Void, Never>?

    /// Takes one whole answer off the front.
    mutating func take(hasBody: Bool) -> WireAnswer? {
      guard let (answer, length) = WireAnswer.parse(bytes, hasBody: hasBody) else { return nil }
      bytes.removeFirst(length)
      return answer
    }
  }

  let state = Mutex(State())

  func update(_ body: (inout State) -> Void) {
    let waiter = state.withLock { state in
      body(&state)
      defer { state.waiter = nil }
      if state.waiter == nil { state.hasChanged = true }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits for a change since the last one that was waited for.
  func change() async {
    await withCheckedContinuation { continuation in
      let isDue = state.withLock { state in
        if state.hasChanged {
          state.hasChanged = false
          return true
        }
        state.waiter = continuation
        return false
      }
      if isDue { continuation.resume() }
    }
  }
}

private final class InboxHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let inbox: Inbox

  init(_ inbox: Inbox) { self.inbox = inbox }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    inbox.update { $0.bytes += buffer.readableBytesView }
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.update { $0.isClosed = true } }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    inbox.update { $0.isClosed = true }
    context.close(promise: nil)
  }
}
