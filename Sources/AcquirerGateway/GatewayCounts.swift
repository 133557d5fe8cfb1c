package import Tokenization
package import VaultCore

/// What the messages to one acquirer came to.
package struct GatewayCounts: Sendable, Equatable {
  /// Answered with a decision, by decision.
  package var decided: [PaymentAnswer.Outcome: Int] = [:]
  /// Rejected without being processed.
  package var rejected = 0
  /// Sent, and nobody knows: by word of ``GatewayCause``.
  package var unknownByCause: [String: Int] = [:]
  /// Not sent: by word of ``GatewayCause``.
  package var notSentByCause: [String: Int] = [:]
  /// Answers that held the card number, or nine or more digits of it; an alarm.
  package var heldCardNumber = 0
  /// Answers of which a member was the security code.
  package var heldSecurityCode = 0
  /// Payments for which there was no place; nothing was written of them.
  package var refused: [MessageShares.Refusal: Int] = [:]
  /// From sending to the outcome, connecting included.
  package var durations = DurationCounts()

  /// Answered with a decision.
  package var answered: Int { decided.values.reduce(0, +) }
  /// Sent, and nobody knows.
  package var unknown: Int { unknownByCause.values.reduce(0, +) }
  /// Not sent.
  package var notSent: Int { notSentByCause.values.reduce(0, +) }

  /// What messages came to, in words of the audit log: decisions first, then `rejected`, and `unknown` and
  /// `not_sent` once for each cause.
  package var rows: [(outcome: String, cause: String?, count: Int)] {
    var rows: [(outcome: String, cause: String?, count: Int)] =
      PaymentAnswer.Outcome.allCases.map { ($0.rawValue, nil, decided[$0] ?? 0) }
    rows.append(("rejected", nil, rejected))
    for (outcome, causes) in [("unknown", unknownByCause), ("not_sent", notSentByCause)] {
      rows += causes.sorted { $0.key < $1.key }.map { (outcome, $0.key, $0.value) }
    }
    return rows
  }

  /// The same once for each outcome, `unknown` and `not_sent` also where there was none.
  package var totals: [(outcome: String, count: Int)] {
    rows.filter { $0.cause == nil }.map { ($0.outcome, $0.count) }
      + [("unknown", unknown), ("not_sent", notSent)]
  }

  /// Nothing yet.
  package init() {}

  /// Adds what came of one message.
  mutating func add(_ outcome: AcquirerOutcome, nanoseconds: Int64) {
    durations.add(nanoseconds: nanoseconds)
    switch outcome {
    case .answered(let answer):
      decided[answer.outcome, default: 0] += 1
      if answer.heldCardNumber { heldCardNumber += 1 }
      if answer.heldSecurityCode { heldSecurityCode += 1 }
    case .rejected(_, let held):
      rejected += 1
      if held { heldCardNumber += 1 }
    case .unknown(let cause, _):
      unknownByCause[cause, default: 0] += 1
      if cause == GatewayCause.cardNumberInAnswer { heldCardNumber += 1 }
    case .notSent(let cause, _): notSentByCause[cause, default: 0] += 1
    }
  }
}
