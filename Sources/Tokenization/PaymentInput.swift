/// What a request has for an input that the acquirer's template may declare: see `TemplateInput`.
///
/// What it is worth is told when the template is known, after policy, replay and token.
package struct PaymentInput: Sendable, Equatable {
  /// The bytes of the longest text.
  package static let longestText = 2_048
  /// How many a request may have.
  package static let most = 64

  /// What was sent.
  package enum Value: Sendable, Equatable {
    /// Without control characters, and without what could be a card number.
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    /// Another kind of value, one that is too long, has control characters or could hold a card number:
    /// fit for no input. Nothing of it is kept.
    case unfit
  }

  /// 1 to 32 of `a-z 0-9 _` without eight digits in a row; nil for another one, of which nothing is kept.
  package let name: String?
  package let value: Value

  package init(name: String?, value: Value) {
    self.name = name
    self.value = value
  }
}
