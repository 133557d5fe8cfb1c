import Glibc

/// A loopback port that is taken, so that nobody else gets it, and on which nobody listens.
struct SilentPort: ~Copyable {
  private let descriptor: Int32
  let port: Int

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    // A `sockaddr_in` byte by byte: which module it comes from depends on what else is imported. Family in the
    // machine's order, port 0 for any, 127.0.0.1, eight unused.
    var address: [UInt8] =
      [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    var size = socklen_t(address.count)
    let socket = descriptor
    let status = unsafe address.withUnsafeMutableBytes { bytes in
      unsafe bytes.withMemoryRebound(to: sockaddr.self) { address in
        unsafe bind(socket, address.baseAddress, size) == 0
          ? unsafe getsockname(socket, address.baseAddress, &size) : -1
      }
    }
    guard status == 0 else { throw Failed() }
    port = Int(address[2]) << 8 | Int(address[3])
  }

  deinit { close(descriptor) }

  struct Failed: Error {}
}
