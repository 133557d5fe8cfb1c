internal import Glibc
package import NIOCore

/// Who is at the other end of a Unix socket, as the system noted when they connected.
/// - Source: unix(7), `struct ucred`.
package struct PeerCredentials: Sendable {
  package let process: Int32
  package let user: UInt32
  package let group: UInt32

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
