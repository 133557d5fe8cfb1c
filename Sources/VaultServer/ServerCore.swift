import AccessPolicy
import NIOCore

/// What all connections of a server share. Immutable, or safe to use from every loop.
final class ServerCore: Sendable {
  let service: any CardService
  let state: ServerState
  let counters: ServerCounters
  let log: ServerLog
  let limits: ServerLimits
  let quotas: QuotaLedger
  let tokenizeDecoder: TokenizeDecoder
  let pushDecoder: PushDecoder
  let identifiers: RequestIdentifiers
  let intermediates = KnownIntermediates()
  /// The time of day, in seconds since 1970-01-01T00:00:00Z.
  let unixSeconds: @Sendable () -> Int64

  init(
    service: any CardService, state: ServerState, counters: ServerCounters, log: ServerLog,
    limits: ServerLimits, quotas: QuotaLedger, tokenizeDecoder: TokenizeDecoder,
    pushDecoder: PushDecoder, identifiers: RequestIdentifiers,
    unixSeconds: @escaping @Sendable () -> Int64
  ) {
    self.service = service
    self.state = state
    self.counters = counters
    self.log = log
    self.limits = limits
    self.quotas = quotas
    self.tokenizeDecoder = tokenizeDecoder
    self.pushDecoder = pushDecoder
    self.identifiers = identifiers
    self.unixSeconds = unixSeconds
  }
}
