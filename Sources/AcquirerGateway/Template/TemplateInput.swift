import Tokenization

/// Something that a shop may send beyond the vault's own list, as a template declares it.
package struct TemplateInput: Equatable, Sendable {
  /// What its value may be.
  package enum Kind: Equatable, Sendable {
    /// A text of 1 to `longest` characters (Unicode scalars), of these where there is a pattern.
    case text(longest: Int, FieldPattern?)
    /// One of these texts.
    case words([String])
    case integer(ClosedRange<Int64>)
    case boolean
  }

  /// The member of the request's `inputs`.
  package let name: String
  /// What its value may be.
  package let kind: Kind
  /// Whether a message that uses it cannot be without it.
  package let isRequired: Bool

  /// Where it stands in the request, as a JSON Pointer.
  var pointer: String { "/inputs/\(name)" }

  /// Whether a value is as it was declared.
  func accepts(_ value: PaymentInput.Value) -> Bool {
    switch (kind, value) {
    case (.text(let longest, let pattern), .text(let text)):
      (1...longest).contains(text.unicodeScalars.count) && pattern?.matches(text) != false
    case (.words(let words), .text(let text)): words.contains(text)
    case (.integer(let bounds), .integer(let value)): bounds.contains(value)
    case (.boolean, .boolean): true
    case (_, .unfit), (.text, _), (.words, _), (.integer, _), (.boolean, _): false
    }
  }
}

/// A place of the body where an input goes.
struct InputPlaceholder: Sendable {
  let input: TemplateInput
  /// Whether a number or a boolean is written as a string.
  let isQuoted: Bool
  /// What is written for each value, as JSON; nil where the value itself is.
  let map: [String: [UInt8]]?
}

extension PaymentInput.Value {
  /// The key of the value in a placeholder's `map`.
  var word: String? {
    switch self {
    case .text(let text): text
    case .boolean(let value): value ? "true" : "false"
    case .integer, .unfit: nil
    }
  }
}
