import Administration
import Glibc

/// A socket that sends datagrams to the Unix socket at a path, which may be made anew behind it.
struct DatagramSocket: ~Copyable {
  private let path: String
  private let sendSeconds: Int
  private var descriptor: Int32 = -1

  /// - Parameter sendSeconds: how long a receiver that has no room is waited for.
  init(_ path: String, sendSeconds: Int) {
    self.path = path
    self.sendSeconds = sendSeconds
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Sends one datagram.
  ///
  /// - Returns: 0, or what the system says; `EAGAIN` where the receiver had no room in time.
  mutating func send(_ bytes: [UInt8]) -> Int32 {
    if descriptor < 0 {
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return errno }
      var time = timeval(tv_sec: sendSeconds, tv_usec: 0)
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }
    guard let address = UnixAddress(path: path) else { return ENAMETOOLONG }
    let descriptor = descriptor
    let count = unsafe address.withSocketAddress { pointer, length in
      unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length)
    }
    return count == bytes.count ? 0 : count < 0 ? errno : EMSGSIZE
  }
}
