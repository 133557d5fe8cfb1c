import AccessPolicy
import Cryptography
import Logging

/// What all connections of a server share. Immutable, or safe to use from every loop.
final class ServerCore: Sendable {
  let service: any CardService
  let state: ServerState
  let counters = ServerCounters()
  let log: ServerLog
  let limits: ServerLimits
  let quotas = QuotaLedger()
  let tokenizeDecoder: TokenizeDecoder
  let pushDecoder: PushDecoder
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
    tokenizeDecoder = TokenizeDecoder(brands: settings.brands, pool: settings.pool)
    pushDecoder = PushDecoder(brands: settings.brands, pool: settings.pool)
    identifiers = try RequestIdentifiers()
    unixSeconds = settings.unixSeconds
  }
}
