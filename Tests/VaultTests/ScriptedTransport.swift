import AccessPolicy
import Cards
import Ledgers
import Synchronization
import Tokenization
import VaultCore
import VaultManagement

/// Acquirers that answer as a test wants.
final class ScriptedTransport: AcquirerTransport {
  struct Sent: Equatable {
    let payment: PaymentIdentifier
    let acquirer: String
    let merchant: String
    /// Of the card, what a shop may know too.
    let last4: String
    let month: Int
    let year: Int
  }

  private struct State {
    var outcomes: [AcquirerOutcome] = []
    var sent: [Sent] = []
    var held: [@Sendable (AcquirerOutcome) -> Void] = []
    var holds = false
    var problem: Problem?
    /// How many more places there are; nil for as many as are asked for.
    var placesLeft: Int?
    var abandoned = 0
  }

  private let state = Mutex(State())
  private let arrival = Mutex(Reply<Void>())

  var sent: [Sent] { state.withLock { $0.sent } }

  /// The next payments get these outcomes, one each; without any they are approved.
  func answer(_ outcomes: AcquirerOutcome...) {
    state.withLock { $0.outcomes += outcomes }
  }

  /// What the template has against every payment.
  func object(_ problem: Problem?) { state.withLock { $0.problem = problem } }

  /// Payments wait for ``release(_:)`` from now on.
  func hold() {
    arrival.withLock { $0 = Reply() }
    state.withLock { $0.holds = true }
  }

  /// Lets the following payments through, and goes on holding those that wait.
  func holdNoMore() { state.withLock { $0.holds = false } }

  /// Returns when a payment waits.
  func waitForArrival() async { await arrival.withLock { $0 }.value }

  /// Answers the payments that wait, and lets the following ones through.
  func release(_ outcome: AcquirerOutcome) {
    let held = state.withLock { state in
      state.holds = false
      defer { state.held = [] }
      return state.held
    }
    for reply in held { reply(outcome) }
  }

  /// Forgets the payments that wait, as a process does that dies.
  func forget() {
    state.withLock { state in
      state.held = []
      state.holds = false
    }
  }

  func check(_ payment: Payment, acquirer: String) -> Problem? { state.withLock { $0.problem } }

  /// There are so many places.
  func limit(toPlaces count: Int) { state.withLock { $0.placesLeft = count } }

  /// How many places are left.
  var placesLeft: Int? { state.withLock { $0.placesLeft } }

  /// How many messages were abandoned.
  var abandoned: Int { state.withLock { $0.abandoned } }

  func takePlace(
    at acquirer: String, for merchant: Merchant
  ) throws(Problem) -> any MessagePlace {
    let isThere = state.withLock { state in
      guard let left = state.placesLeft else { return true }
      guard left > 0 else { return false }
      state.placesLeft = left - 1
      return true
    }
    guard isThere else { throw Problem(.overloaded) }
    return Place(self, acquirer, merchant.name)
  }

  /// A place, which is given back with the outcome or when nothing refers to it any more.
  private final class Place: MessagePlace {
    private let transport: ScriptedTransport
    private let acquirer: String
    private let merchant: String
    private let isTaken = Atomic(true)

    init(_ transport: ScriptedTransport, _ acquirer: String, _ merchant: String) {
      self.transport = transport
      self.acquirer = acquirer
      self.merchant = merchant
    }

    deinit { giveBack() }

    func send(
      _ payment: Payment, card: ReleasedCard, identifier: PaymentIdentifier,
      reply: @escaping @Sendable (AcquirerOutcome) -> Void
    ) {
      let sent = Sent(
        payment: identifier, acquirer: acquirer, merchant: merchant,
        last4: card.card.pan.last4, month: card.card.expiry.month, year: card.card.expiry.year)
      transport.send(sent) { [self] outcome in
        giveBack()
        reply(outcome)
      }
    }

    func abandon() { transport.state.withLock { $0.abandoned += 1 } }

    private func giveBack() {
      guard isTaken.exchange(false, ordering: .relaxed) else { return }
      transport.state.withLock { if let left = $0.placesLeft { $0.placesLeft = left + 1 } }
    }
  }

  private func send(_ sent: Sent, reply: @escaping @Sendable (AcquirerOutcome) -> Void) {
    let outcome = state.withLock { state -> AcquirerOutcome? in
      state.sent.append(sent)
      if state.holds {
        state.held.append(reply)
        return nil
      }
      return state.outcomes.isEmpty
        ? .answered(PaymentAnswer(outcome: .approved, code: "00")) : state.outcomes.removeFirst()
    }
    if let outcome { return reply(outcome) }
    let arrived = arrival.withLock { $0 }
    if arrived.count == 0 { arrived.send(()) }
  }
}
