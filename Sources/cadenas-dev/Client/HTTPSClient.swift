import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemCalls

/// A client that opens a connection for each request and waits for the answer: for what a person
/// watches. Load is made by ``BenchConnection``.
struct HTTPSClient {
  /// How long connecting, and then the answer, may take.
  static let patience = TimeAmount.seconds(45)

  let endpoint: Endpoint
  private let context: NIOSSLContext

  /// A client that shows the pair `name` of `material` and trusts the authority `trust`.
  init(
    to endpoint: Endpoint, as name: String, of material: TLSMaterial, trusting trust: String
  ) throws(DevelopmentError) {
    completeType(ByteToMessageHandler<HTTPResponseDecoder>.self)
    self.endpoint = endpoint
    context = try material.client(name, trusting: trust)
  }

  /// Whether a TLS handshake is answered by whom we trust. No request is sent.
  func answersHandshake() -> Bool {
    let outcome: Void? = try? perform { pipeline, promise in
      try pipeline.addHandler(HandshakeWatcher(promise))
    }
    return outcome != nil
  }

  /// Sends one request and returns the answer.
  /// - Throws: ``DevelopmentError/connection(_:)`` when none came.
  func send(
    _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: String? = nil
  ) throws(DevelopmentError) -> HTTPAnswer {
    var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
    head.headers.add(name: "Host", value: "\(endpoint)")
    head.headers.add(name: "Connection", value: "close")
    if let body {
      if !headers.contains(where: { $0.0 == "Content-Type" }) {
        head.headers.add(name: "Content-Type", value: "application/json")
      }
      head.headers.add(name: "Content-Length", value: "\(body.utf8.count)")
    }
    head.headers.add(contentsOf: headers)
    do {
      return try perform { [head] pipeline, promise in
        try pipeline.addHTTPClientHandlers()
        try pipeline.addHandler(
          NIOHTTPClientResponseAggregator(maxContentLength: DevelopmentFiles.readLimit))
        try pipeline.addHandler(HTTPExchange(head, body, promise))
      }
    } catch {
      throw .connection("\(method) \(endpoint.url)\(path): \(error)")
    }
  }

  /// Connects, lets `configure` add a handler that fulfils the promise, waits for that, and closes.
  private func perform<Value: Sendable>(
    _ configure:
      @escaping @Sendable (ChannelPipeline.SynchronousOperations, EventLoopPromise<Value>) throws
      -> Void
  ) throws -> Value {
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let promise = loop.makePromise(of: Value.self)
    let deadline = loop.scheduleTask(in: Self.patience) {
      promise.fail(DevelopmentError.connection("no answer in time"))
    }
    let connecting = Self.connect(to: endpoint, context, on: loop) { try configure($0, promise) }
    connecting.whenFailure { promise.fail($0) }
    defer {
      deadline.cancel()
      connecting.whenSuccess { $0.close(promise: nil) }
    }
    return try promise.futureResult.wait()
  }

  /// Connects to `endpoint` with TLS, and lets `configure` add what stands behind that.
  static func connect(
    to endpoint: Endpoint, _ context: NIOSSLContext, on loop: any EventLoop,
    _ configure: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
  ) -> EventLoopFuture<any Channel> {
    ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: "localhost"))
          try configure(pipeline)
        }
      }
      .connect(host: endpoint.host, port: endpoint.port)
  }
}

struct HTTPAnswer: Sendable {
  let status: Int
  let headers: HTTPHeaders
  let body: [UInt8]
}
