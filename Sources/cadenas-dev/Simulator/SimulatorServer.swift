import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemCalls

/// The simulator's socket: TLS with client certificates of the acquirers' authority, HTTP/1.1.
struct SimulatorServer {
  let channel: any Channel

  /// Listens on `endpoint`, port 0 for any free one, with the pair `simulator` of `material`; each
  /// message is a line for `log`.
  ///
  /// - Parameter desk: its 3-D Secure server.
  static func start(
    on endpoint: Endpoint, with material: TLSMaterial, desk: AuthenticationDesk,
    log: @escaping @Sendable (String) -> Void
  ) throws(DevelopmentError) -> SimulatorServer {
    let context = try material.server("simulator", trusting: "acquirer-ca")
    let received = ReceivedPayments()
    let digests = try CardDigests()
    completeType(ByteToMessageHandler<HTTPRequestDecoder>.self)
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLServerHandler(context: context))
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(
            SimulatorHandler(received: received, digests: digests, desk: desk, log: log))
        }
      }
    do {
      return SimulatorServer(
        channel: try bootstrap.bind(host: endpoint.host, port: endpoint.port).wait())
    } catch {
      throw .connection("cannot listen on \(endpoint): \(error)")
    }
  }

  var endpoint: Endpoint {
    let address = channel.localAddress
    return Endpoint(host: address?.ipAddress ?? "", port: address?.port ?? 0)
  }
}
