import Tokenization
import VaultCore

/// A value of the body that depends on several members of the request: the first branch that holds says
/// what is written.
struct ChoicePlaceholder: Sendable {
  struct Branch: Sendable {
    /// What has to be so, all of it.
    let conditions: [Condition]
    /// The JSON value; nil where nothing is written.
    let value: [UInt8]?
  }

  /// That a member of the request is there and has one of these words.
  struct Condition: Sendable {
    let source: Source
    let words: [String]
  }

  /// A member of the request with a closed set of values.
  enum Source: Equatable, Sendable {
    case variable(TemplateVariable)
    case input(TemplateInput)

    /// Where it stands in the request, as a JSON Pointer.
    var pointer: String? {
      switch self {
      case .variable(let variable): variable.pointer
      case .input(let input): input.pointer
      }
    }
  }

  let branches: [Branch]

  /// What is written for a payment; nil where no branch holds, or the one that does writes nothing.
  func value(for payment: Payment) -> [UInt8]? {
    branches.first { branch in
      branch.conditions.allSatisfy { condition in
        payment.word(of: condition.source).map { condition.words.contains($0) } ?? false
      }
    }?.value
  }

  /// A member whose value no branch names, so that nobody has said what it means here; nil where there
  /// is none.
  func unnamedMember(of payment: Payment) -> Source? {
    let conditions = branches.flatMap(\.conditions)
    return conditions.map(\.source).first { source in
      guard let word = payment.word(of: source) else { return false }
      return !conditions.contains { $0.source == source && $0.words.contains(word) }
    }
  }

  /// The variables that it asks for.
  var variables: [TemplateVariable] {
    branches.flatMap(\.conditions).compactMap { condition in
      if case .variable(let variable) = condition.source { variable } else { nil }
    }
  }

  /// The inputs that it asks for.
  var inputs: [TemplateInput] {
    branches.flatMap(\.conditions).compactMap { condition in
      if case .input(let input) = condition.source { input } else { nil }
    }
  }
}

extension Payment {
  /// The word that the request has for a member; nil for none.
  fileprivate func word(of source: ChoicePlaceholder.Source) -> String? {
    switch source {
    case .variable(let variable): text(variable)
    case .input(let input): value(of: input)?.word
    }
  }
}
