import ArgumentParser
import NIOCore

/// What a load run does.
struct LoadPlan: Sendable {
  /// What is asked for.
  enum Operation: String, ExpressibleByArgument, CaseIterable {
    /// Cards become tokens.
    case tokenize
    /// Of ten requests eight tokenize, one forwards a payment, one deletes.
    case mixed
  }

  /// Which cards are tokenized.
  enum Cards: String, ExpressibleByArgument, CaseIterable {
    /// Another one each time.
    case new
    /// Always the same one.
    case same
  }

  let endpoint: Endpoint
  let operation: Operation
  let cards: Cards
  let connections: Int
  let threads: Int
  let measured: TimeAmount
  let warmUp: TimeAmount
  /// Requests a second, all connections together; nil for as many as the vault answers.
  let rate: Int?

  /// The time between two requests of one connection; nil without a rate.
  var interval: TimeAmount? {
    rate.map { .nanoseconds(Int64(connections) * 1_000_000_000 / Int64($0)) }
  }
}
