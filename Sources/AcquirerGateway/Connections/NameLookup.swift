import ConfigurationReading
import Dispatch
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Looks one acquirer's name up, for all who connect to it.
///
/// The system's resolver blocks, for as long as name servers take that do not answer. NIO has one queue of
/// its own for each event loop, on which every acquirer's name would wait for one that hangs. So each
/// acquirer has a queue, and one question at a time on it: who asks meanwhile gets the same answer.
final class NameLookup: Sendable {
  /// Finds the addresses of a host, or fails.
  typealias Find = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

  private struct State {
    /// Who waits for the question that is under way; nil where none is.
    var waiting: [EventLoopPromise<[SocketAddress]>]?
  }

  private let queue = DispatchQueue(label: "cadenas.acquirer-name")
  private let find: Find
  private let state = Mutex(State())

  /// - Parameter find: blocks until it is known; the system's way where nothing else is said.
  init(_ find: @escaping Find = NameLookup.system) { self.find = find }

  /// The addresses of a host, in the order in which they are to be tried.
  func addresses(of host: String, _ port: Int, on loop: any EventLoop) -> EventLoopFuture<
    [SocketAddress]
  > {
    // An address is none that has to be looked for.
    if let address = try? SocketAddress(ipAddress: host, port: port) {
      return loop.makeSucceededFuture([address])
    }
    let promise = loop.makePromise(of: [SocketAddress].self)
    let isFirst = state.withLock { state in
      let isFirst = state.waiting == nil
      state.waiting = (state.waiting ?? []) + [promise]
      return isFirst
    }
    if isFirst {
      queue.async { [self] in
        let result = Result { try find(host, port) }
        let waiting = state.withLock { $0.waiting.take() ?? [] }
        for promise in waiting { promise.completeWith(result) }
      }
    }
    return promise.futureResult
  }

  /// The host has no address, or nobody could say which.
  struct Failure: Error {}

  /// Asks `getaddrinfo`.
  @Sendable static func system(_ host: String, _ port: Int) throws -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_protocol = Int32(IPPROTO_TCP)
    var first: UnsafeMutablePointer<addrinfo>? = nil
    guard unsafe getaddrinfo(host, String(port), &hints, &first) == 0 else { throw Failure() }
    defer { unsafe freeaddrinfo(first) }
    var addresses: [SocketAddress] = []
    var next = unsafe first
    while let entry = unsafe next {
      unsafe entry.pointee.ai_addr.map { address in
        switch unsafe entry.pointee.ai_family {
        case AF_INET:
          unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            unsafe addresses.append(SocketAddress($0.pointee, host: host))
          }
        case AF_INET6:
          unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
            unsafe addresses.append(SocketAddress($0.pointee, host: host))
          }
        default: break
        }
      }
      unsafe next = entry.pointee.ai_next
    }
    return addresses
  }
}

/// Gives NIO the addresses that a ``NameLookup`` found.
struct AcquirerResolver: Resolver {
  let lookup: NameLookup
  let loop: any EventLoop

  func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    addresses(of: host, port, .inet)
  }

  func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
    addresses(of: host, port, .inet6)
  }

  /// The question is not called back; whoever else waits for it still does.
  func cancelQueries() {}

  private func addresses(
    of host: String, _ port: Int, _ family: NIOBSDSocket.ProtocolFamily
  ) -> EventLoopFuture<[SocketAddress]> {
    lookup.addresses(of: host, port, on: loop).map { all in
      all.filter { $0.protocol == family }
    }
  }
}

extension AcquirerEndpoint {
  /// Begins to connect to it.
  func connect(on loop: any EventLoop, within time: TimeAmount) -> EventLoopFuture<any Channel> {
    ClientBootstrap(group: loop)
      .connectTimeout(time)
      .resolver(AcquirerResolver(lookup: lookup, loop: loop))
      .connect(host: url.host, port: Int(url.port))
  }
}
