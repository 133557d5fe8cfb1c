import Bytes
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemCalls

/// The issuer's side of a challenge: TLS without client certificates, for browsers.
///
/// `POST /challenge` takes `creq` and `threeDSSessionData` as a form and answers the page with the field
/// `code` and the buttons `confirm` and `cancel`; `POST /answer` takes what was typed, once, and sends
/// the browser to the `notification_url` of the authentication with `cres`.
struct AccessControlServer {
  let channel: any Channel

  /// Listens on `endpoint`, port 0 for any free one, with the pair of the vault, which is for localhost, and
  /// tells `desk` where that is.
  static func start(
    on endpoint: Endpoint, for desk: AuthenticationDesk, with material: TLSMaterial,
    log: @escaping @Sendable (String) -> Void
  ) throws(DevelopmentError) -> AccessControlServer {
    let context = try material.publicServer("vault")
    completeType(ByteToMessageHandler<HTTPRequestDecoder>.self)
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLServerHandler(context: context))
          try pipeline.configureHTTPServerPipeline()
          try pipeline.addHandler(AccessControlHandler(desk: desk, log: log))
        }
      }
    do {
      let server = AccessControlServer(
        channel: try bootstrap.bind(host: endpoint.host, port: endpoint.port).wait())
      desk.serve(at: server.endpoint.url)
      return server
    } catch {
      throw .connection("cannot listen on \(endpoint): \(error)")
    }
  }

  var endpoint: Endpoint {
    Endpoint(host: channel.localAddress?.ipAddress ?? "", port: channel.localAddress?.port ?? 0)
  }
}
