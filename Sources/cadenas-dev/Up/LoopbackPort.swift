import Glibc
import NIOCore

/// Ports on 127.0.0.1 that nobody listens on.
enum LoopbackPort {
  /// Below the range from which Linux takes the ports of outgoing connections, so that none of
  /// those takes one between now and the moment that a child listens on it.
  static let range: ClosedRange<UInt16> = 16_384...32_767
  /// How many ports are tried.
  static let attempts = 200

  /// `count` free ports, all different.
  static func choose(_ count: Int) throws(DevelopmentError) -> [Int] {
    var ports: [Int] = []
    for _ in 0..<attempts where ports.count < count {
      let port = UInt16.random(in: range)
      if !ports.contains(Int(port)) && isFree(port) { ports.append(Int(port)) }
    }
    guard ports.count == count else { throw .unexpected("no free port on 127.0.0.1") }
    return ports
  }

  private static func isFree(_ port: UInt16) -> Bool {
    guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: Int(port)) else {
      return false
    }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var reuse: Int32 = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(4))
    return unsafe address.withSockAddr { pointer, size in
      unsafe bind(descriptor, pointer, socklen_t(size)) == 0
    }
  }
}
