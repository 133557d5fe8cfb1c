internal import NIOCore
internal import SecretMemory

/// Overwrites the readable bytes of `buffer` where they are, also when its storage is shared.
///
/// A body lies in a buffer that belongs to the connection as long as it is open, and writing to a
/// copy would leave what somebody typed in the original. Writing behind the back of the other
/// references is sound here: all of them belong to the connection's event loop, nobody reads the
/// bytes again, and the storage of a `ByteBuffer` is plain allocated memory.
func wipeInPlace(_ buffer: ByteBuffer) {
  unsafe buffer.withUnsafeReadableBytes { bytes in
    unsafe wipe(UnsafeMutableRawBufferPointer(mutating: bytes))
  }
}

/// Hands on a copy of what is received, and wipes the buffer that it came in, which the channel
/// fills again only as far as the next read goes.
///
/// Stands before the decoder of HTTP: that one may keep what it was given, in the middle of a head,
/// and joins it with what comes next. Of the copies, a body is wiped by who takes it
/// (``AdminHandler``).
final class ReceivedBytesWiper: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let received = unwrapInboundIn(data)
    let copy = context.channel.allocator.buffer(buffer: received)
    wipeInPlace(received)
    context.fireChannelRead(wrapInboundOut(copy))
  }
}
