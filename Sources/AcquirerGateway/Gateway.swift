package import AccessPolicy
package import Cards
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
    /// By number. Weak, so that an exchange whose event loop has gone ends too.
    var underWay: [UInt64: WeakExchange] = [:]
    var nextNumber: UInt64 = 0
    /// Set by a shutdown; completed when nothing is under way.
    var drained: EventLoopPromise<Void>?
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
    state = Mutex(State())
  }

  /// What was done so far, by acquirer.
  package var counts: [String: GatewayCounts] { state.withLock { $0.counts } }

  /// How many messages are under way.
  package var messagesUnderWay: Int { state.withLock { $0.underWay.count } }

  fileprivate func send(
    _ acquirer: String, reply: @escaping @Sendable (AcquirerOutcome) -> Void,
    _ message: (_ nowMilliseconds: Int64) -> (Message, AcquirerEndpoint)?
  ) {
    let number: UInt64
    switch admit() {
    case .refused(let cause):
      state.withLock { $0.counts[acquirer, default: GatewayCounts()].notSent += 1 }
      return reply(.notSent(cause: cause))
    case .admitted(let admitted): number = admitted
    }
    let once = OutcomeReply { [self] outcome in
      // The vault has the outcome before a shutdown that waits for it goes on to close the vault.
      reply(outcome)
      end(number, acquirer, outcome)
    }
    guard let (message, endpoint) = message(nowMilliseconds()) else {
      return once.give(.notSent(cause: GatewayCause.configuration))
    }
    let exchange = AcquirerExchange(
      message, to: endpoint, limits: limits, on: group.next(), reply: once)
    state.withLock { state in
      state.underWay[number]?.exchange = exchange
    }
    exchange.start()
  }

  // MARK: - Counting

  private enum Admission {
    case admitted(UInt64)
    case refused(cause: String)
  }

  private func admit() -> Admission {
    state.withLock { state in
      if state.drained != nil { return .refused(cause: GatewayCause.shuttingDown) }
      guard state.underWay.count < limits.messagesUnderWay else {
        return .refused(cause: GatewayCause.overloaded)
      }
      state.nextNumber += 1
      state.underWay[state.nextNumber] = WeakExchange()
      return .admitted(state.nextNumber)
    }
  }

  private func end(_ number: UInt64, _ acquirer: String, _ outcome: AcquirerOutcome) {
    let drained = state.withLock { state -> EventLoopPromise<Void>? in
      state.underWay[number] = nil
      state.counts[acquirer, default: GatewayCounts()].add(outcome)
      return state.underWay.isEmpty ? state.drained : nil
    }
    drained?.succeed()
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
    for exchange in state.withLock({ $0.underWay.values.compactMap(\.exchange) }) {
      exchange.stop()
    }
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

  package func send(
    _ payment: Payment, card: ReleasedCard, identifier: PaymentIdentifier, acquirer: String,
    merchant: Merchant, reply: @escaping @Sendable (AcquirerOutcome) -> Void
  ) {
    gateway.send(acquirer, reply: reply) { now in
      guard let definition = definitions[acquirer],
        let template = definition.template.operations[payment.operation],
        let access = definition.merchants[merchant.name]
      else { return nil }
      let message = Message(
        template: template, payment: payment, card: card, identifier: identifier,
        constants: access.constants, authority: definition.endpoint.authority,
        basePath: definition.endpoint.url.path, authorization: access.authorization,
        nowMilliseconds: now)
      return (message, definition.endpoint)
    }
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
