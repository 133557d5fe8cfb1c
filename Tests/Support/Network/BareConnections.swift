import NIOCore
import NIOPosix
import Synchronization

/// Connections without TLS, as anybody makes them who reaches a port.
package final class BareConnections: Sendable {
  private let port: Int
  private let address: String
  private let group = MultiThreadedEventLoopGroup.singleton
  private let state = Mutex((channels: [any Channel](), isEnding: false))

  /// - Parameter address: where they come from; the whole of 127.0.0.0/8 is this host.
  package init(port: Int, from address: String = "127.0.0.1") {
    self.port = port
    self.address = address
  }

  /// Opens `count` connections one after another and keeps them; each sends `bytes` first.
  package func open(_ count: Int, saying bytes: [UInt8] = []) async throws {
    for _ in 0..<count {
      let channel = try await ClientBootstrap(group: group)
        .connectTimeout(RawClient.patience)
        .bind(to: try SocketAddress(ipAddress: address, port: 0))
        .connect(host: "127.0.0.1", port: port).get()
      let isTooLate = state.withLock { state in
        state.channels.append(channel)
        return state.isEnding
      }
      if isTooLate { try? await channel.close() }
      if !bytes.isEmpty { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    }
  }

  /// Opens connections, one after another, until ``end()`` is called or there were `most`.
  package func flood(most: Int) async throws {
    for _ in 0..<most where !state.withLock({ $0.isEnding }) { try await open(1) }
  }

  /// Waits until the other side has ended all that were opened so far.
  package func closed() async {
    for channel in state.withLock({ $0.channels }) { try? await channel.closeFuture.get() }
  }

  /// How many the other side has not ended.
  package var openCount: Int { state.withLock { $0.channels.count { $0.isActive } } }

  /// Ends them all.
  package func end() async {
    let channels = state.withLock { state in
      state.isEnding = true
      return state.channels
    }
    for channel in channels { try? await channel.close() }
  }
}
