import Payments

/// What a shopper is told of a refusal: less than the shop.
enum Reasons: String {
  case limit, funds, expired, plain

  /// The first card of a payment is told why; from the second different card on, every reason is the same
  /// one, since a carder learns most from "not enough money".
  static func told(_ attempt: Attempt, among attempts: [Attempt]) -> Reasons {
    let cards = Set(attempts.compactMap { $0.token })
    guard cards.count <= 1 else { return .plain }
    switch attempt.reason {
    case "limit_exceeded": return .limit
    case "insufficient_funds": return .funds
    case "expired_card": return .expired
    default: return .plain
    }
  }
}
