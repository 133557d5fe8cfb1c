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

  private static let established: UInt8 = 1

  /// Whether the connection is open in both directions.
  var isEstablished: Bool { UInt8(truncatingIfNeeded: words[0].littleEndian) == Self.established }
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
