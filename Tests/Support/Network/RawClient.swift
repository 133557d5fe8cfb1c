package import NIOCore
import NIOPosix
package import NIOSSL
import Synchronization

/// A client that sends exactly the bytes it is told to, over TLS, and keeps its
/// connection for as long as it is told to.
///
/// It is no HTTP library on purpose: a test that knows the contract alone must be able to say what
/// none would send.
package final class RawClient: Sendable {
  /// How long an answer or an end is waited for. Reached only where a test fails.
  package static let patience = TimeAmount.minutes(30)

  private let channel: any Channel
  private let inbox: Inbox

  /// The connection ended, or nothing came in time, before what was waited for.
  package struct Failed: Error, CustomStringConvertible {
    package let description: String
  }

  /// Connects with the pair of `context`. Whether the server takes the certificate shows with the
  /// first answer only: that is how TLS 1.3 is.
  package init(
    host: String = "127.0.0.1", port: Int, context: NIOSSLContext,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) async throws {
    let inbox = Inbox()
    self.inbox = inbox
    channel = try await ClientBootstrap(group: group)
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
      .connect(host: host, port: port).get()
  }

  /// Sends a text as it stands.
  package func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  /// Sends bytes as they stand.
  package func send(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
  }

  /// The next answer.
  package func answer(hasBody: Bool = true) async throws -> RawAnswer {
    let answer = try await next { $0.take(hasBody: hasBody) }
    guard let answer else { throw Failed(description: "the connection ended without an answer") }
    return answer
  }

  /// Waits until the server has ended the connection, and returns what came before and was not read.
  package func untilClosed() async throws -> String {
    try await next { $0.isClosed ? String(decoding: $0.bytes, as: UTF8.self) : nil } ?? ""
  }

  /// Whether the server has ended the connection by now.
  package var isClosed: Bool { inbox.state.withLock { $0.isClosed } }

  /// Waits until the server has ended the connection.
  package func closed() async {
    while !isClosed { await inbox.change() }
  }

  /// Waits until the connection has ended, beside one who waits for what arrives.
  package func ended() async { try? await channel.closeFuture.get() }

  /// What has arrived and was not part of an answer that was taken.
  package var rest: String {
    inbox.state.withLock { String(decoding: $0.bytes, as: UTF8.self) }
  }

  /// Takes nothing any more from the connection, not even its end.
  package func stopReading() async throws {
    try await channel.setOption(.autoRead, value: false).get()
  }

  /// Ends the connection.
  package func close() async {
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
    mutating func take(hasBody: Bool) -> RawAnswer? {
      guard let (answer, length) = RawAnswer.parse(bytes, hasBody: hasBody) else { return nil }
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
