import AccessPolicy
import Cards
import NIOCore
import Synchronization
import Tokenization
import VaultCore

/// One place among the messages under way, and what is sent there.
final class PlaceAtAcquirer: MessagePlace {
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
    let begin = NIODeadline.now()
    let once = OutcomeReply { [self] outcome in
      end(outcome, nanoseconds: (NIODeadline.now() - begin).nanoseconds) { reply(outcome) }
    }
    routes.gateway.send(at: self, reply: once) { now in
      routes.route(payment, card, identifier, at: self, nowMilliseconds: now)
    }
  }

  func abandon() { routes.gateway.stop(at: self) }

  /// Gives the place back, once.
  ///
  /// - Parameters:
  ///   - nanoseconds: from sending to the outcome.
  ///   - told: tells the vault what came of the message: after the place is free for the next
  ///     one, and before a shutdown that waits for it goes on to close the vault.
  private func end(_ outcome: AcquirerOutcome?, nanoseconds: Int64 = 0, _ told: () -> Void) {
    guard isTaken.exchange(false, ordering: .relaxed) else { return }
    routes.gateway.giveBack(self)
    told()
    routes.gateway.end(self, outcome, nanoseconds: nanoseconds)
  }
}
