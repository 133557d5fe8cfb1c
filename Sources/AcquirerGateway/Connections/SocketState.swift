import NIOCore

/// What the kernel knows of a TCP connection at this moment, before the event loop has been told.
///
/// The loop learns that the other side has closed a connection when it gets to it. A message that is
/// written before that is lost, and nobody knows whether it was read. So the socket is looked at right
/// before.
/// - Source: `struct tcp_info` of `linux/tcp.h`: the state in the first byte, the bytes received at
///   offset 128 (Linux 4.1; RFC 4898, tcpEStatsAppHCThruOctetsReceived). It only ever grows at its end.
struct SocketState: BitwiseCopyable, Sendable {
  private var words: InlineArray<17, UInt64>

  /// The state of TCP: 1 where it is established, 4 where this side has closed and the other one has not
  /// said that it knows.
  var state: UInt8 { UInt8(truncatingIfNeeded: words[0].littleEndian) }
  /// Whether the connection is open in both directions.
  var isEstablished: Bool { state == 1 }
  /// The bytes that came from the other side, read here or not; its end counts as one.
  var bytesReceived: UInt64 { words[16] }

  /// Looks at a channel's socket. On its event loop, and the answer is there at once.
  ///
  /// - Returns: nil where the system does not say: such a connection is not used again.
  static func look(at channel: any Channel) -> SocketState? {
    guard let socket = channel as? any SocketOptionProvider else { return nil }
    let asked: EventLoopFuture<SocketState> = socket.unsafeGetSocketOption(
      level: .tcp, name: .tcp_info)
    var state: SocketState?
    asked.assumeIsolated().whenSuccess { state = $0 }
    return state
  }
}
