package import ConfigurationReading
package import Tokenization

/// An acquirer's template, compiled: what is sent for each operation, and how answers are read.
package struct AcquirerTemplate: Sendable {
  /// The base URL that the template itself names; the configuration may name another one.
  package let url: BaseURL?
  /// The connection's pins that the template itself names; the configuration may name others.
  package let tls: OutboundTLS?
  /// How a merchant shows who it is; nil where the client certificate does.
  package let authorization: Authorization?
  /// Whether the acquirer knows a payment again by its `payment_id`, and does it once however often it
  /// comes (`idempotent_by`).
  package let isIdempotent: Bool
  /// Where the template begins.
  package let position: ConfigurationTree.Position
  /// What there is, by operation.
  package let operations: [PaymentOperation: OperationTemplate]

  /// The schemes of the `Authorization` header.
  package enum Authorization: String, CaseIterable, Sendable {
    /// User and password (RFC 7617).
    case basic
    /// A token (RFC 6750).
    case bearer
  }

  /// What acquirers know a payment again by.
  enum IdempotencyMember: String, CaseIterable {
    /// The vault's identifier, which each message has.
    case paymentIdentifier = "payment_id"
  }

  /// Every constant that the template takes from a merchant, where it is used first.
  package var constants: [ConstantUse] {
    var found: [ConstantUse] = []
    let ordered = operations.sorted { $0.key.rawValue < $1.key.rawValue }
    for use in ordered.flatMap(\.value.constants) {
      if let index = found.firstIndex(where: { $0.name == use.name }) {
        // The strictest use decides what a value may be.
        found[index].isInHead = found[index].isInHead || use.isInHead
        found[index].isInteger = found[index].isInteger || use.isInteger
      } else {
        found.append(use)
      }
    }
    return found
  }
}

/// A place where a template takes a merchant's constant.
package struct ConstantUse: Equatable, Sendable {
  /// The constant's name.
  package let name: String
  /// The place in the template that uses it.
  package let position: ConfigurationTree.Position
  /// Whether it is written into the path or a header, where fewer characters can stand.
  package var isInHead: Bool
  /// Whether it has to be a whole number.
  package var isInteger: Bool
}

/// The message of one operation.
package struct OperationTemplate: Sendable {
  /// The operation.
  package let operation: PaymentOperation
  /// `POST` or `PUT`.
  package let method: String
  let path: [PathPart]
  /// The lines of the head that each message has, with their ends.
  let standingLines: String
  let headers: [HeaderLine]
  let body: TemplateNode
  /// What the message holds where it is there.
  let uses: Set<TemplateVariable>
  /// What a request may have although the message does not hold it.
  let ignores: Set<TemplateVariable>
  /// What the message holds beyond the vault's own list, where it is there.
  let inputs: [InputPlaceholder]
  /// The inputs that a request may have although the message does not hold them.
  let ignoredInputs: [TemplateInput]
  /// What the message neither holds nor ignores, of what a request may have.
  let unknown: [TemplateVariable]
  /// What of the request the message cannot be without.
  let required: [TemplateVariable]
  /// Values that depend on several members.
  let choices: [ChoicePlaceholder]
  /// Where values are translated, in the order of the template.
  let translations: [VariablePlaceholder]
  let constants: [ConstantUse]
  let answer: AnswerRules
}

/// A piece of the path, between slashes or literal with them.
enum PathPart: Sendable {
  case literal(String)
  case segment(HeadValue)
}

extension OperationTemplate {
  /// What a shop may send beyond the vault's own list.
  var declaredInputs: [TemplateInput] {
    inputs.map(\.input) + choices.flatMap(\.inputs)
  }
}

struct HeaderLine: Sendable {
  let name: String
  let value: HeadValue
}

/// A whole value in the path or a header.
enum HeadValue: Sendable {
  case literal(String)
  case paymentIdentifier
  case operation
  case constant(String)
  /// The content of a file.
  case secret(SecretHeader)
}

/// A value of the body.
indirect enum TemplateNode: Sendable {
  /// A JSON value as it is written into the message.
  case literal([UInt8])
  case variable(VariablePlaceholder)
  case input(InputPlaceholder)
  case choice(ChoicePlaceholder)
  case constant(name: String, form: ValueForm)
  /// Written with what is present of its members; see ``presence(of:)``.
  case object([Member], onlyWith: [Placeholder]?)
  /// The same of its elements.
  case array([TemplateNode], onlyWith: [Placeholder]?)

  struct Member: Sendable {
    /// The name as a JSON string, with the colon after it.
    let name: [UInt8]
    let value: TemplateNode
  }
}

struct VariablePlaceholder: Sendable {
  let variable: TemplateVariable
  let form: ValueForm
  let isOptional: Bool
  /// What is written for each value, as JSON; nil where the value itself is.
  let map: [String: [UInt8]]?
}

/// What a value of the body takes from somewhere else than the template and the merchant's constants.
enum Placeholder: Sendable {
  case variable(VariablePlaceholder)
  case input(InputPlaceholder)
  case choice(ChoicePlaceholder)

  /// Whether the message can be without it.
  var isOptional: Bool {
    switch self {
    case .variable(let placeholder): placeholder.isOptional
    case .input(let placeholder): !placeholder.input.isRequired
    case .choice: true
    }
  }

  /// Whether the request has a member for it; the vault knows the rest by itself.
  var isOfRequest: Bool {
    switch self {
    case .variable(let placeholder): placeholder.variable.pointer != nil
    case .input, .choice: true
    }
  }
}

extension TemplateNode {
  /// The variables, inputs and choices in this value and below it.
  var placeholders: [Placeholder] {
    switch self {
    case .literal, .constant: []
    case .variable(let placeholder): [.variable(placeholder)]
    case .input(let placeholder): [.input(placeholder)]
    case .choice(let placeholder): [.choice(placeholder)]
    case .object(let members, _): members.flatMap(\.value.placeholders)
    case .array(let elements, _): elements.flatMap(\.placeholders)
    }
  }

  /// Of which placeholders a request needs one for what holds them to be written: those that it has
  /// members for, where all are optional. Nil for what is always written.
  static func presence(of placeholders: [Placeholder]) -> [Placeholder]? {
    guard placeholders.allSatisfy(\.isOptional), !placeholders.isEmpty else { return nil }
    let requested = placeholders.filter(\.isOfRequest)
    return requested.isEmpty ? placeholders : requested
  }
}
