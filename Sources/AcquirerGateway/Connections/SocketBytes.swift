import NIOCore

/// Stands between the socket and TLS, and counts what was read: beside ``SocketState`` it shows
/// whether something is there that was not.
final class SocketBytes: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private(set) var count: UInt64 = 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    count += UInt64(unwrapInboundIn(data).readableBytes)
    context.fireChannelRead(data)
  }
}
