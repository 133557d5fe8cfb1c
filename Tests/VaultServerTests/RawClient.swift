import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A client that sends exactly the bytes it is told to, over TLS.
final class RawClient: Sendable {
  private let channel: any Channel
  private let inbox: Inbox

  /// One answer, as it came.
  struct Response: Equatable {
    var status: Int
    var fields: [String: String]
    var body: String

    /// The name of the problem, or nil for another body.
    var problem: String? {
      guard let start = body.firstRange(of: "urn:cadenas:problem:")?.upperBound else { return nil }
      return String(body[start...].prefix { $0 != "\"" })
    }
  }

  /// The connection ended before what was waited for had come.
  struct Closed: Error {}

  /// How to reach a server.
  struct Target {
    let port: Int
    let tls: NIOSSLContext
    let group: any EventLoopGroup
  }

  init(_ target: Target) async throws {
    let inbox = Inbox()
    self.inbox = inbox
    let tls = target.tls
    channel = try await ClientBootstrap(group: target.group)
      .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          try pipeline.addHandler(InboxHandler(inbox))
        }
      }
      .connect(host: "127.0.0.1", port: target.port).get()
  }

  /// A context for the client `name`, which offers its certificate.
  static func tls(_ name: String, pki: TestPKI) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(pki.path("shop-ca.pem"))
    configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(pki.path("\(name).pem"))
      .map { .certificate($0) }
    configuration.privateKey = .privateKey(
      try NIOSSLPrivateKey(file: pki.path("\(name).key"), format: .pem))
    return try NIOSSLContext(configuration: configuration)
  }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  func send(_ bytes: [UInt8]) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
  }

  /// Sends each byte in a segment of its own.
  func sendByteByByte(_ text: String) async throws {
    for byte in text.utf8 { try await channel.writeAndFlush(ByteBuffer(bytes: [byte])) }
  }

  /// The next answer.
  func response(hasBody: Bool = true) async throws -> Response {
    while true {
      if let response = inbox.takeResponse(hasBody: hasBody) { return response }
      if inbox.isClosed { throw Closed() }
      await inbox.change()
    }
  }

  /// Sends a request and waits for its answer.
  func exchange(_ text: String) async throws -> Response {
    try await send(text)
    return try await response()
  }

  /// Waits until the server has closed the connection.
  func closed() async {
    while !inbox.isClosed { await inbox.change() }
  }

  /// Waits until the connection has ended, beside one who waits for what arrives.
  func ended() async { try? await channel.closeFuture.get() }

  /// What has arrived and was not part of an answer that was taken.
  var rest: String { inbox.rest }

  func close() async {
    try? await channel.close()
  }
}

/// What has arrived, and who waits for more.
final class Inbox: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var isClosed = false
    var changes = 0
    var seen = 0
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  var isClosed: Bool { state.withLock { $0.isClosed } }

  var rest: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

  func append(_ bytes: [UInt8]) { update { $0.bytes += bytes } }

  func close() { update { $0.isClosed = true } }

  private func update(_ body: (inout State) -> Void) {
    let waiter = state.withLock { state in
      body(&state)
      state.changes += 1
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Waits for the next change that has not been seen.
  func change() async {
    await withCheckedContinuation { continuation in
      let isDue = state.withLock { state in
        if state.changes > state.seen {
          state.seen = state.changes
          return true
        }
        state.waiter = continuation
        return false
      }
      if isDue { continuation.resume() }
    }
  }

  /// Takes one whole answer off the front.
  func takeResponse(hasBody: Bool) -> RawClient.Response? {
    state.withLock { state in
      guard let end = Self.endOfHead(state.bytes) else { return nil }
      let head = String(decoding: state.bytes[..<(end - 4)], as: UTF8.self)
      let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
      var fields: [String: String] = [:]
      for line in lines.dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { continue }
        fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
      }
      let length = hasBody ? Int(fields["content-length"] ?? "0") ?? 0 : 0
      guard state.bytes.count >= end + length else { return nil }
      let body = String(decoding: state.bytes[end..<end + length], as: UTF8.self)
      state.bytes.removeFirst(end + length)
      let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      return RawClient.Response(status: status, fields: fields, body: body)
    }
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
  }
}

private final class InboxHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let inbox: Inbox

  init(_ inbox: Inbox) { self.inbox = inbox }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    inbox.append(unsafe buffer.withUnsafeReadableBytes { unsafe Array($0) })
  }

  func channelInactive(context: ChannelHandlerContext) { inbox.close() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    inbox.close()
    context.close(promise: nil)
  }
}

/// A client that connects and says nothing.
final class PlainClient: Sendable {
  private let channel: any Channel
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  init(port: Int) async throws {
    channel = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
  }

  func closed() async { try? await channel.closeFuture.get() }

  func end() async { try? await group.shutdownGracefully() }
}
