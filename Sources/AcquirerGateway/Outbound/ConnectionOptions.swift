import NIOCore

/// What is asked of the socket of a connection beyond what it needs.
///
/// Each is a wish: one that the system refuses changes how fast a payment is and not whether it is
/// made. So they are set when the connection stands, and nobody waits for them. Set while a
/// connection is made, a refused one would end it. (NIO asks for `TCP_NODELAY` then by itself, which
/// no system refuses for TCP; what stands here does not rely on that.)
struct ConnectionOptions: Sendable {
  /// The level, such as TCP, and the name, such as `TCP_NODELAY`: each level counts its own names.
  /// 1 is `TCP_NODELAY` of TCP, and of the socket it is `SO_DEBUG`, which takes `CAP_NET_ADMIN`.
  var options: [ChannelOptions.Types.SocketOption] = [
    .init(level: .tcp, name: .tcp_nodelay), .init(level: .socket, name: .so_keepalive),
  ]
  /// Seconds, and a count, by the numbers that Linux gives their names (`TCP_KEEPIDLE`, `TCP_KEEPINTVL`,
  /// `TCP_KEEPCNT`): a connection that says nothing is asked after 25 seconds, so that what stands between
  /// remembers it, and given up where three questions, five seconds apart, have no answer.
  var times: [(name: CInt, value: Int)] = [(4, 25), (5, 5), (6, 3)]

  /// Asks for all of them.
  ///
  /// - Returns: succeeds when each was set or refused.
  @discardableResult
  func ask(of channel: any Channel) -> EventLoopFuture<Void> {
    var asked = options.map { channel.setOption($0, value: 1) }
    asked += times.map { time in
      channel.setOption(
        ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: time.name)),
        value: time.value)
    }
    return EventLoopFuture.whenAllComplete(asked, on: channel.eventLoop).map { _ in }
  }
}
