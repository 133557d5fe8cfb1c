import NIOCore
import NIOPosix

/// Passes bytes on between two sockets, each chunk after a pause.
enum Relay {
  /// Listens on `endpoint`, and makes a connection to `target` for each that comes.
  ///
  /// - Returns: where it listens.
  static func start(
    on endpoint: Endpoint, to target: Endpoint, holding time: TimeAmount
  ) throws(DevelopmentError) -> Endpoint {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // Nothing is read before it is done, and there is somewhere to pass it on to.
      .childChannelInitializer { channel in join(channel, to: target, holding: time) }
    do {
      let address = try bootstrap.bind(host: endpoint.host, port: endpoint.port).wait().localAddress
      return Endpoint(host: address?.ipAddress ?? "", port: address?.port ?? 0)
    } catch {
      throw .connection("cannot listen on \(endpoint): \(error)")
    }
  }

  private static func join(
    _ channel: any Channel, to target: Endpoint, holding time: TimeAmount
  ) -> EventLoopFuture<Void> {
    // On the same loop, so that both halves may touch each other.
    ClientBootstrap(group: channel.eventLoop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .connect(host: target.host, port: target.port)
      .flatMapThrowing { far in
        try far.pipeline.syncOperations.addHandler(RelayHandler(to: channel, holding: time))
        try channel.pipeline.syncOperations.addHandler(RelayHandler(to: far, holding: time))
      }
  }
}

/// One direction of a relay.
private final class RelayHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let other: any Channel
  private let time: TimeAmount

  init(to other: any Channel, holding time: TimeAmount) {
    self.other = other
    self.time = time
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    // In their order, since the loop's timer keeps it for equal pauses.
    later { $0.writeAndFlush(bytes, promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    later { $0.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func later(_ act: @escaping @Sendable (any Channel) -> Void) {
    other.eventLoop.scheduleTask(in: time) { [other] in act(other) }
  }
}
