internal import Glibc
package import NIOCore

/// Who is at the other end of a Unix socket, as the system noted when they connected.
/// - Source: unix(7), `struct ucred`.
package struct PeerCredentials: Sendable {
  package let process: Int32
  package let user: UInt32
  package let group: UInt32

  /// The option that gives a descriptor of the peer's process, which no other process can come into the
  /// place of.
  /// - Source: unix(7), SO_PEERPIDFD, of Linux 6.5; asm-generic/socket.h.
  private static let peerProcessOption: CInt = 77

  /// Keeps the process of the peer of `channel` from being mistaken for another that has its number later;
  /// nil where the system has no such thing, or the peer is gone.
  package static func hold(of channel: any Channel) -> EventLoopFuture<ProcessHold?> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeSucceededFuture(nil)
    }
    let descriptor: EventLoopFuture<CInt> = provider.unsafeGetSocketOption(
      level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
      name: NIOBSDSocket.Option(rawValue: peerProcessOption))
    return descriptor.map { ProcessHold($0) }.recover { _ in nil }
  }

  /// Asks the system about the peer of `channel`.
  package static func read(of channel: any Channel) -> EventLoopFuture<PeerCredentials> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(AdministrationError.notPermitted)
    }
    // The layout is that of struct ucred: three words of 32 bits.
    return provider.unsafeGetSocketOption(
      level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET),
      name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
  }
}
