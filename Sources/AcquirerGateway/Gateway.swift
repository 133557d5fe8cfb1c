package import AccessPolicy
import Cards
import Configuration
package import NIOCore
import Synchronization
package import Tokenization
package import VaultCore

/// What messages to acquirers share: event loops, bounds, counts. Which acquirers there are, and how they
/// are reached, is a generation's, see ``AcquirerRoutes``. Everything is bounded: see ``GatewayLimits``.
package final class Gateway: Sendable {
  private struct State {
    var counts: [String: GatewayCounts] = [:]
    var shares: MessageShares
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
    state = Mutex(State(shares: MessageShares(places: limits.messagesUnderWay)))
  }

  /// What was done so far, by acquirer.
  package var counts: [String: GatewayCounts] { state.withLock { $0.counts } }

  /// How many messages are under way.
  package var messagesUnderWay: Int { state.withLock { $0.underWay.count } }

  // MARK: - Places

  /// Takes a place, whose number is of use for nothing else.
  fileprivate func takePlace(
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

  fileprivate func giveBack(_ place: PlaceAtAcquirer) {
    state.withLock { $0.shares.giveBack(acquirer: place.acquirer, merchant: place.merchant.name) }
  }

  /// Nothing is under way any more at a place that was given back.
  ///
  /// - Parameter outcome: what came of its message; nil where none was sent.
  fileprivate func end(_ place: PlaceAtAcquirer, _ outcome: AcquirerOutcome?) {
    let drained = state.withLock { state -> EventLoopPromise<Void>? in
      state.underWay[place.number] = nil
      if let outcome { state.counts[place.acquirer, default: GatewayCounts()].add(outcome) }
      return state.underWay.isEmpty ? state.drained : nil
    }
    drained?.succeed()
  }

  /// Whether a shutdown has given up waiting: nothing is sent any more.
  var isOver: Bool { state.withLock { $0.isOver } }

  fileprivate func send(
    at place: PlaceAtAcquirer, reply once: OutcomeReply,
    _ message: (_ nowMilliseconds: Int64) -> (Message, AcquirerEndpoint)?
  ) {
    guard let (message, endpoint) = message(nowMilliseconds()) else {
      return once.give(.notSent(cause: GatewayCause.configuration))
    }
    let exchange = AcquirerExchange(
      message, to: endpoint, limits: limits, on: group.next(), reply: once)
    state.withLock { $0.underWay[place.number]?.exchange = exchange }
    guard !isOver else { return once.give(.notSent(cause: GatewayCause.shuttingDown)) }
    exchange.start()
  }

  fileprivate func stop(at place: PlaceAtAcquirer) {
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

/// The acquirers of one generation of the configuration, and the way to each.
///
/// Payments that are under way when another generation comes keep what they began with.
package struct AcquirerRoutes: AcquirerTransport {
  let gateway: Gateway
  private let definitions: [String: AcquirerDefinition]

  /// - Parameter definitions: of which each has a name of its own.
  package init(_ definitions: [AcquirerDefinition], over gateway: Gateway) {
    self.gateway = gateway
    self.definitions = Dictionary(definitions.map { ($0.name, $0) }) { first, _ in first }
  }

  /// How acquirers of these definitions are connected to, by name.
  package static func connections(of definitions: [AcquirerDefinition]) -> [AcquirerTLS] {
    definitions.map(\.endpoint.listing).sorted { $0.acquirer < $1.acquirer }
  }

  package func check(_ payment: Payment, acquirer: String) -> Problem? {
    guard let operation = definitions[acquirer]?.template.operations[payment.operation] else {
      return Problem(.invalidMember, pointer: "/operation")
    }
    return operation.check(payment)
  }

  package func takePlace(
    at acquirer: String, for merchant: Merchant
  ) throws(Problem) -> any MessagePlace {
    let merchants = definitions[acquirer]?.merchants.count ?? 0
    let number = try gateway.takePlace(
      at: acquirer, for: merchant.name, isShared: merchants > 1)
    return PlaceAtAcquirer(self, number: number, acquirer: acquirer, merchant: merchant)
  }

  /// The message of a payment, and where it goes; nil where these routes have no such acquirer,
  /// operation or merchant.
  fileprivate func message(
    _ payment: Payment, _ card: ReleasedCard, _ identifier: PaymentIdentifier,
    at place: PlaceAtAcquirer, nowMilliseconds: Int64
  ) -> (Message, AcquirerEndpoint)? {
    guard let definition = definitions[place.acquirer],
      let template = definition.template.operations[payment.operation],
      let access = definition.merchants[place.merchant.name]
    else { return nil }
    let message = Message(
      template: template, payment: payment, card: card, identifier: identifier,
      constants: access.constants, authority: definition.endpoint.authority,
      basePath: definition.endpoint.url.path, authorization: access.authorization,
      nowMilliseconds: nowMilliseconds)
    return (message, definition.endpoint)
  }
}

/// One place among the messages under way, and what is sent there.
private final class PlaceAtAcquirer: MessagePlace {
  let number: UInt64
  let acquirer: String
  let merchant: Merchant
  private let routes: AcquirerRoutes
  private let isTaken = Atomic(true)

  init(_ routes: AcquirerRoutes, number: UInt64, acquirer: String, merchant: Merchant) {
    self.routes = routes
    self.number = number
    self.acquirer = acquirer
    self.merchant = merchant
  }

  deinit { end(nil) {} }

  func send(
    _ payment: Payment, card: ReleasedCard, identifier: PaymentIdentifier,
    reply: @escaping @Sendable (AcquirerOutcome) -> Void
  ) {
    let once = OutcomeReply { [self] outcome in end(outcome) { reply(outcome) } }
    routes.gateway.send(at: self, reply: once) { now in
      routes.message(payment, card, identifier, at: self, nowMilliseconds: now)
    }
  }

  func abandon() { routes.gateway.stop(at: self) }

  /// Gives the place back, once.
  ///
  /// - Parameter told: tells the vault what came of the message: after the place is free for the next
  ///   one, and before a shutdown that waits for it goes on to close the vault.
  private func end(_ outcome: AcquirerOutcome?, _ told: () -> Void) {
    guard isTaken.exchange(false, ordering: .relaxed) else { return }
    routes.gateway.giveBack(self)
    told()
    routes.gateway.end(self, outcome)
  }
}

/// What the messages to one acquirer came to.
package struct GatewayCounts: Sendable, Equatable {
  /// Answered with a decision.
  package var answered = 0
  /// Rejected without being processed.
  package var rejected = 0
  /// Sent, and nobody knows.
  package var unknown = 0
  /// Not sent.
  package var notSent = 0
  /// Answers that held the card number, or nine or more digits of it; an alarm.
  package var heldCardNumber = 0
  /// Answers of which a member was the security code.
  package var heldSecurityCode = 0
  /// Payments for which there was no place; nothing was written of them.
  package var refused: [MessageShares.Refusal: Int] = [:]

  mutating func add(_ outcome: AcquirerOutcome) {
    switch outcome {
    case .answered(let answer):
      answered += 1
      if answer.heldCardNumber { heldCardNumber += 1 }
      if answer.heldSecurityCode { heldSecurityCode += 1 }
    case .rejected(_, let held):
      rejected += 1
      if held { heldCardNumber += 1 }
    case .unknown(let cause, _):
      unknown += 1
      if cause == GatewayCause.cardNumberInAnswer { heldCardNumber += 1 }
    case .notSent: notSent += 1
    }
  }
}
