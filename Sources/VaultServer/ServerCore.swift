import AccessPolicy
import Cryptography
import Logging
import NIOCore
import SecretMemory
import Synchronization

/// What all connections of a server share. Immutable, or safe to use from every loop.
final class ServerCore: Sendable {
  let service: any CardService
  let state: ServerState
  let counters = ServerCounters()
  let log: ServerLog
  let limits: ServerLimits
  let quotas = QuotaLedger()
  let shares: Mutex<ConnectionShares<NIOLoopBound<ConnectionHandler>>>
  /// Where card numbers and security codes are kept while a request is under way.
  let pool: SecretPool
  let identifiers: RequestIdentifiers
  let intermediates = KnownIntermediates()
  /// The time of day, in seconds since 1970-01-01T00:00:00Z.
  let unixSeconds: @Sendable () -> Int64

  init(
    _ settings: VaultServer.Settings, service: any CardService, state: ServerState, logger: Logger
  ) throws(CryptographyError) {
    self.service = service
    self.state = state
    log = ServerLog(logger, counters: counters)
    limits = settings.limits
    shares = Mutex(ConnectionShares(settings.limits.connections))
    pool = settings.pool
    identifiers = try RequestIdentifiers()
    unixSeconds = settings.unixSeconds
  }
  /// Lets a new connection in, where there is a place for it.
  func admit(_ handler: NIOLoopBound<ConnectionHandler>, from address: PeerAddress) -> Bool {
    switch shares.withLock({ $0.admit(handler, from: address) }) {
    case .admitted(let place, let displaced):
      handler.value.place = place
      counters.openConnection()
      if let displaced { close(displaced) }
      return true
    case .refused:
      counters.add(.connectionsOverLimit)
      log.writeSeldom(
        .warning, "connections closed at a limit", of: "connections", at: unixSeconds(),
        ["limit": "connections"])
      return false
    }
  }

  /// Closes a handshake that had to make room.
  func close(_ displaced: ConnectionShares<NIOLoopBound<ConnectionHandler>>.Displaced) {
    let event: ServerCounters.Event =
      displaced.isOverAddressShare ? .handshakesOverAddressShare : .handshakesOverLimit
    counters.add(event)
    log.writeSeldom(
      .warning, "connections closed at a limit", of: event.rawValue, at: unixSeconds(),
      ["limit": "handshakes"])
    let handler = displaced.handle
    handler.eventLoop.execute { handler.value.abort() }
  }
}
