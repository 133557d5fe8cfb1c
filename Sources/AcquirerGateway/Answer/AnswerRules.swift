import Tokenization
import VaultCore

/// How the answers of an acquirer are read.
package struct AnswerRules: Sendable {
  /// The first rule that holds decides.
  let rules: [AnswerRule]
  let code: DeclaredField?
  let transactionIdentifier: DeclaredField?
  let networkTransactionIdentifier: DeclaredField?
  let approvedAmount: JSONPointer?
  let fields: [NamedField]

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

/// What an answer has to look like, and what it means then.
struct AnswerRule: Sendable {
  let conditions: [FieldCondition]
  /// The HTTP statuses for which the rule holds; nil for all.
  let statuses: Set<Int>?
  let verdict: Verdict

  enum Verdict: Sendable {
    case decided(PaymentAnswer.Outcome, ReasonRule?)
    case rejected
    case unknown
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
  /// What each value of the field means; without a field, ``otherwise`` is the reason.
  let field: JSONPointer?
  let map: [String: PaymentAnswer.Reason]
  let otherwise: PaymentAnswer.Reason?
}
