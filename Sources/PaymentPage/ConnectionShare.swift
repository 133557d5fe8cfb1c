import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// How many connections of one listener each address has, so that none holds all of them.
final class AddressShares: Sendable {
  private let held = Mutex<[PeerAddress: Int]>([:])
  private let most: Int
  /// Proxies, through which everybody comes.
  private let exempt: Set<PeerAddress>

  /// - Parameter most: of one address, or of one network of 64 bits.
  init(most: Int, exempt: Set<PeerAddress>) {
    self.most = most
    self.exempt = exempt
  }

  /// Counts a connection; false where there are too many.
  func enter(_ address: PeerAddress) -> Bool {
    guard !exempt.contains(address) else { return true }
    return held.withLock { held in
      guard held[address.network, default: 0] < most else { return false }
      held[address.network, default: 0] += 1
      return true
    }
  }

  /// Gives the place of a connection back that was counted.
  func leave(_ address: PeerAddress) {
    guard !exempt.contains(address) else { return }
    held.withLock { held in
      let rest = held[address.network, default: 1] - 1
      held[address.network] = rest > 0 ? rest : nil
    }
  }
}

/// Closes a connection at once whose address has as many as it may, before anything of TLS is done for it.
final class ConnectionShare: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart

  private let shares: AddressShares
  /// The address that is counted; nil before and after.
  private var counted: PeerAddress?

  init(_ shares: AddressShares) { self.shares = shares }

  func handlerAdded(context: ChannelHandlerContext) {
    guard let address = context.remoteAddress?.ipAddress.flatMap({ PeerAddress($0) }) else {
      return
    }
    guard shares.enter(address) else { return context.close(promise: nil) }
    counted = address
  }

  func handlerRemoved(context: ChannelHandlerContext) { leave() }

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  private func leave() {
    guard let address = counted.take() else { return }
    shares.leave(address)
  }
}
