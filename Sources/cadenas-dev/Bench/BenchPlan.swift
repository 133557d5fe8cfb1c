import ArgumentParser
import NIOCore

/// What a run of the load generator does.
struct BenchPlan: Sendable {
  /// What is asked for, and which answer is the right one.
  enum Operation: String, ExpressibleByArgument, CaseIterable {
    /// Another card each time: `201` and a token.
    case tokenizeNew = "tokenize-new"
    /// Cards that the vault has: `200`.
    case tokenizeKnown = "tokenize-known"
    /// The acquirer's client reads cards: `200` and the right number.
    case pull
    /// A payment is forwarded: `200`, approved.
    case push
    /// A card goes: `204`.
    case delete
    /// Of twenty requests fourteen tokenize a new card, five forward a payment, one deletes.
    case mix
    /// Of twenty requests eight tokenize a new card, six one under an idempotency key, four a card that the
    /// vault has with a later expiry, two delete: what rewrites rows of the store.
    case changes
    /// The request of `tokenize-new`, to a server that answers `200` whatever it is asked.
    case fixed

    /// Whose certificate asks.
    var client: String { self == .pull ? "acquirer" : "shop" }
  }

  let endpoint: Endpoint
  let operation: Operation
  let connections: Int
  let threads: Int
  let measured: TimeAmount
  let warmUp: TimeAmount
  /// Requests a second, all connections together; nil for as many as the vault answers.
  let rate: Int?
  /// How many cards of its series `cadenas-dev fill` has put in the store.
  let filled: Int
  /// How many cards are to be tokenized before the run; chosen by operation where nothing is said.
  let wanted: Int?
  /// The processes whose processor time counts as the server's.
  let server: [Int]

  /// Whether each connection has prepared cards of its own.
  var dividesCards: Bool { operation == .delete || operation == .changes }

  /// The time between two requests of one connection; nil without a rate.
  var interval: TimeAmount? {
    rate.map { .nanoseconds(Int64(connections) * 1_000_000_000 / Int64($0)) }
  }

  /// How many cards are tokenized before the run, so that there are tokens to ask about.
  var prepared: Int {
    if let wanted { return wanted }
    return switch operation {
    case .tokenizeNew, .fixed: 0
    case .tokenizeKnown: filled > 0 ? 0 : 10_000
    case .pull, .push, .mix, .changes: 10_000
    // Each of them goes once: as many as can be deleted in that time.
    case .delete:
      Int((warmUp + measured).nanoseconds / 1_000_000_000)
        * min(rate ?? .max, 10_000 * connections, 30_000)
    }
  }
}
