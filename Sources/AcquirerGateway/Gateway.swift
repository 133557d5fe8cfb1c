import AccessPolicy
package import NIOCore
import Synchronization
import Tokenization
import VaultCore

/// What messages to acquirers share: event loops, bounds, counts. Which acquirers there are, and how they
/// are reached, is a generation's, see ``AcquirerRoutes``. Everything is bounded: see ``GatewayLimits``.
package final class Gateway: Sendable {
  private struct State {
    var counts: [String: GatewayCounts] = [:]
    var shares: MessageShares
    /// By acquirer, over all generations.
    var tallies: [String: ConnectionTally] = [:]
    /// Of every generation that is still referred to.
    var pools: [WeakPool] = []
    /// By number. Weak, so that an exchange whose event loop has gone ends too.
    var underWay: [UInt64: WeakExchange] = [:]
    var nextNumber: UInt64 = 0
    /// Set by a shutdown; completed when nothing is under way.
    var drained: EventLoopPromise<Void>?
    /// Whether a shutdown has ended what was under way: nothing is sent any more.
    var isOver = false
  }

  private struct WeakExchange {
    weak var exchange: AcquirerExchange?
  }

  private struct WeakPool {
    weak var pool: AcquirerPool?
  }

  private let group: any EventLoopGroup
  private let limits: GatewayLimits
  private let nowMilliseconds: @Sendable () -> Int64
  private let state: Mutex<State>

  /// Makes a gateway.
  ///
  /// - Parameters:
  ///   - group: runs the connections; its owner shuts it down, after the gateway.
  ///   - limits: the bounds.
  ///   - nowMilliseconds: the time for messages that carry one, since 1970-01-01T00:00:00Z.
  package init(
    group: any EventLoopGroup, limits: GatewayLimits = GatewayLimits(),
    nowMilliseconds: @escaping @Sendable () -> Int64
  ) {
    self.group = group
    self.limits = limits
    self.nowMilliseconds = nowMilliseconds
    AcquirerConnection.completeTypes()
    state = Mutex(State(shares: MessageShares(places: limits.messagesUnderWay)))
  }

  /// What was done so far, by acquirer.
  package var counts: [String: GatewayCounts] { state.withLock { $0.counts } }

  /// How many messages are under way.
  package var messagesUnderWay: Int { state.withLock { $0.underWay.count } }

  /// What became of connections so far, by acquirer.
  package var connections: [String: ConnectionCounts] {
    state.withLock { $0.tallies }.mapValues(\.counts)
  }

  // MARK: - Connections

  /// Makes the pools of a generation. Nothing is opened: see ``putInForce(_:)``.
  func pools(for definitions: [String: AcquirerDefinition]) -> [String: AcquirerPool] {
    state.withLock { state in
      var pools: [String: AcquirerPool] = [:]
      for (name, definition) in definitions {
        let tally = state.tallies[name] ?? ConnectionTally()
        state.tallies[name] = tally
        let pool = AcquirerPool(name, to: definition.endpoint, limits, on: group, tally)
        pools[name] = pool
        state.pools.append(WeakPool(pool: pool))
      }
      state.pools.removeAll { $0.pool == nil }
      return pools
    }
  }

  /// Opens the warm connections of a generation that is in force now, and closes those of the ones
  /// before when they are idle.
  package func putInForce(_ routes: AcquirerRoutes) {
    let new = routes.pools.values.map { $0 }
    let old = state.withLock { state in
      // A shutdown has begun: nothing is opened any more.
      state.drained == nil ? state.pools.compactMap(\.pool) : nil
    }
    guard let old else { return }
    for pool in old where !new.contains(where: { $0 === pool }) { pool.retire(.reload) }
    for pool in new { pool.warm() }
  }

  /// Opens connections to an acquirer of `routes` to look at them; see ``AcquirerSighting``. No message
  /// is sent.
  ///
  /// - Returns: nil where there is no such acquirer.
  package func look(
    at acquirer: String, of routes: AcquirerRoutes
  ) -> EventLoopFuture<AcquirerSighting>? {
    guard let definition = routes.definitions[acquirer] else { return nil }
    let probe = AcquirerProbe(
      endpoint: definition.endpoint, time: limits.connectTime,
      unixSeconds: nowMilliseconds() / 1_000)
    return probe.look(on: group.next())
  }

  private func retireAll() {
    for pool in state.withLock({ $0.pools.compactMap(\.pool) }) { pool.retire(.shutdown) }
  }

  // MARK: - Places

  /// Takes a place, whose number is of use for nothing else.
  func takePlace(
    at acquirer: String, for merchant: String, isShared: Bool
  ) throws(Problem) -> UInt64 {
    let result = state.withLock { state -> Result<UInt64, Problem> in
      if state.drained != nil { return .failure(Problem(.shuttingDown)) }
      let refusal = state.shares.take(
        acquirer: acquirer, merchant: merchant, isShared: isShared)
      if let refusal {
        state.counts[acquirer, default: GatewayCounts()].refused[refusal, default: 0] += 1
        return .failure(Problem(.overloaded))
      }
      state.nextNumber += 1
      state.underWay[state.nextNumber] = WeakExchange()
      return .success(state.nextNumber)
    }
    return try result.get()
  }

  func giveBack(_ place: PlaceAtAcquirer) {
    state.withLock { $0.shares.giveBack(acquirer: place.acquirer, merchant: place.merchant.name) }
  }

  /// Nothing is under way any more at a place that was given back.
  ///
  /// - Parameters:
  ///   - outcome: what came of its message; nil where none was sent.
  ///   - nanoseconds: how long it took.
  func end(_ place: PlaceAtAcquirer, _ outcome: AcquirerOutcome?, nanoseconds: Int64) {
    let drained = state.withLock { state -> EventLoopPromise<Void>? in
      state.underWay[place.number] = nil
      if let outcome {
        state.counts[place.acquirer, default: GatewayCounts()].add(
          outcome, nanoseconds: nanoseconds)
      }
      return state.underWay.isEmpty ? state.drained : nil
    }
    drained?.succeed()
  }

  /// Whether a shutdown has given up waiting: nothing is sent any more.
  var isOver: Bool { state.withLock { $0.isOver } }

  func send(
    at place: PlaceAtAcquirer, reply once: OutcomeReply,
    _ route: (_ nowMilliseconds: Int64) -> MessageRoute?
  ) {
    guard let route = route(nowMilliseconds()) else {
      return once.give(.notSent(cause: GatewayCause.configuration))
    }
    let exchange = AcquirerExchange(
      route.message, over: route.pool.next(), limits: limits, isIdempotent: route.isIdempotent,
      reply: once)
    state.withLock { $0.underWay[place.number]?.exchange = exchange }
    guard !isOver else { return once.give(.notSent(cause: GatewayCause.shuttingDown)) }
    exchange.start()
  }

  func stop(at place: PlaceAtAcquirer) {
    state.withLock { $0.underWay[place.number]?.exchange }?.stop()
  }

  // MARK: - Shutting down

  /// Takes no more messages, and waits for those under way.
  ///
  /// - Parameter time: how long; what is still under way then is ended, as unknown where it was sent.
  /// - Returns: succeeds when nothing is under way. A second call waits for the first.
  package func shutdown(within time: TimeAmount) -> EventLoopFuture<Void> {
    let loop = group.next()
    let (drained, isIdle, isFirst) = state.withLock { state in
      if let drained = state.drained { return (drained, false, false) }
      let drained = loop.makePromise(of: Void.self)
      state.drained = drained
      return (drained, state.underWay.isEmpty, true)
    }
    if isFirst { drained.futureResult.whenComplete { [self] _ in retireAll() } }
    if isIdle {
      drained.succeed()
    } else if isFirst {
      let deadline = loop.scheduleTask(in: time) { [self] in stopAll() }
      drained.futureResult.whenComplete { _ in deadline.cancel() }
    }
    return drained.futureResult
  }

  private func stopAll() {
    let exchanges = state.withLock { state in
      state.isOver = true
      return state.underWay.values.compactMap(\.exchange)
    }
    for exchange in exchanges { exchange.stop() }
  }
}
