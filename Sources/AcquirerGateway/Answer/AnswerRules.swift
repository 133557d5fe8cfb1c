import Tokenization
import VaultCore

/// How the answers of an acquirer are read.
package struct AnswerRules: Sendable {
  /// The first rule that holds decides.
  let rules: [AnswerRule]
  let code: DeclaredField?
  let transactionIdentifier: DeclaredField?
  let networkTransactionIdentifier: DeclaredField?
  let approvedAmount: AmountField?
  /// Where the values of 3-D Secure stand that a payment hands on.
  let threeDSecure: [ThreeDSecure.Member: TranslatedField]
  /// Where what a challenge takes stands; empty where no challenge comes.
  let challenge: [Challenge.Member: [JSONPointer]]
  let fields: [NamedField]

  /// Whether some rule says that the cardholder was authenticated.
  var mayAuthenticate: Bool {
    rules.contains { rule in
      guard case .decided(let decision) = rule.verdict else { return false }
      return decision.outcome == .authenticated
    }
  }

  struct NamedField: Sendable {
    let name: String
    let field: DeclaredField
  }
}

/// A field that is let through where it looks as declared.
struct DeclaredField: Sendable {
  /// Where it may stand; the first place with a value counts.
  let pointers: [JSONPointer]
  let pattern: FieldPattern
}

/// A value whose form the vault knows, and what the acquirer's own words for it mean.
struct TranslatedField: Sendable {
  let pointers: [JSONPointer]
  /// nil where the value counts as it stands.
  let map: [String: String]?
}

/// Where the approved amount stands.
struct AmountField: Sendable {
  let pointer: JSONPointer
  /// Whether it is written in the major unit, such as `49.90`.
  let isDecimal: Bool
}

/// What an answer has to look like, and what it means then.
struct AnswerRule: Sendable {
  let conditions: [FieldCondition]
  /// The HTTP statuses for which the rule holds; nil for all.
  let statuses: Set<Int>?
  let verdict: Verdict

  enum Verdict: Sendable {
    case decided(Decision)
    case rejected
    case unknown
  }
}

/// What a rule says that the acquirer decided.
struct Decision: Sendable {
  let outcome: PaymentAnswer.Outcome
  /// Of a refusal.
  var reason: ReasonRule?
  /// Of an approval; nil where the rule does not say.
  var captured: Bool?
}

extension PaymentOperation {
  /// Whether an acquirer can decide so about it.
  func mayEnd(in outcome: PaymentAnswer.Outcome) -> Bool {
    switch outcome {
    case .refused: true
    case .authenticated, .challengeRequired: isAuthentication
    case .approved, .pending, .authenticationRequired: !isAuthentication
    }
  }
}

/// What is asked of one field of the body.
struct FieldCondition: Sendable {
  let pointer: JSONPointer
  let test: Test

  enum Test: Sendable {
    case isAmong([Literal])
    case startsWith(String)
    case exists(Bool)
  }

  enum Literal: Equatable, Sendable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
  }
}

/// Where the reason of a refusal comes from.
struct ReasonRule: Sendable {
  /// Where it may stand; the first place with a value counts. Without a place, ``otherwise`` is the reason.
  let pointers: [JSONPointer]
  /// What each value of the field means.
  let map: [String: PaymentAnswer.Reason]
  let otherwise: PaymentAnswer.Reason?
}
