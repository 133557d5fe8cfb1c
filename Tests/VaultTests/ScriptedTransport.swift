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

  func send(
    _ payment: Payment, card: ReleasedCard, identifier: PaymentIdentifier, acquirer: String,
    merchant: Merchant, reply: @escaping @Sendable (AcquirerOutcome) -> Void
  ) {
    let sent = Sent(
      payment: identifier, acquirer: acquirer, merchant: merchant.name,
      last4: card.card.pan.last4, month: card.card.expiry.month, year: card.card.expiry.year)
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
