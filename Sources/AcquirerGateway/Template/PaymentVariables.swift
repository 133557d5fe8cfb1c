import Cards
import Tokenization
import VaultCore

extension Payment {
  /// Whether the request had this variable.
  func has(_ variable: TemplateVariable) -> Bool {
    switch variable {
    case .securityCode: securityCode != nil
    case .amountValue, .amountCurrency: amount != nil
    default: variable.isAlwaysPresent || text(variable) != nil
    }
  }

  /// The text of a variable that is not secret and is known from the request alone.
  func text(_ variable: TemplateVariable) -> String? {
    if let member = variable.threeDSecureMember { return threeDSecure?[member] }
    return switch variable {
    case .amountValue: amount.map { String($0.value) }
    case .amountCurrency: amount?.currency.code
    case .reference: reference?.text
    case .initiator: initiator?.rawValue
    case .storedCredentialUse: storedCredential?.use.rawValue
    case .storedCredentialSequence: storedCredential?.sequence.rawValue
    case .networkTransactionIdentifier: storedCredential?.networkTransactionIdentifier
    case .transactionLinkIdentifier: storedCredential?.transactionLinkIdentifier
    case .threeDSServerTransactionIdentifier: threeDSServerTransactionIdentifier
    case .scaExemption: scaExemption?.rawValue
    case .operation: operation.rawValue
    default: nil
    }
  }

  /// What the request has for an input; nil for nothing.
  func value(of input: TemplateInput) -> PaymentInput.Value? {
    inputs.first { $0.name == input.name }?.value
  }

  /// Whether the request had the object that the variable is a member of.
  func hasGroup(of variable: TemplateVariable) -> Bool {
    switch variable.group {
    case .amount: amount != nil
    case .storedCredential: storedCredential != nil
    case .threeDSecure: threeDSecure != nil
    case nil: true
    }
  }
}

extension OperationTemplate {
  /// What is wrong with a payment for this message: a member that it does not know, one that it
  /// cannot be without, or a value that it does not translate; nil when all is well.
  func check(_ payment: Payment) -> Problem? {
    if let variable = unknown.first(where: payment.has) {
      return Problem(
        .unknownMember, pointer: knows(groupOf: variable) ? variable.pointer : group(variable))
    }
    if let variable = required.first(where: { !payment.has($0) }) {
      let pointer = payment.hasGroup(of: variable) ? variable.pointer : group(variable)
      return Problem(.missingMember, pointer: pointer)
    }
    for placeholder in translations {
      guard let map = placeholder.map, let value = payment.text(placeholder.variable) else {
        continue
      }
      if map[value] == nil {
        return Problem(
          .invalidMember, pointer: placeholder.variable.pointer,
          detail: "The acquirer's template has no word for this value.")
      }
    }
    return checkInputs(of: payment) ?? checkChoices(of: payment)
  }

  private func checkChoices(of payment: Payment) -> Problem? {
    for choice in choices {
      if let source = choice.unnamedMember(of: payment) {
        return Problem(
          .invalidMember, pointer: source.pointer,
          detail: "The acquirer's template has no word for this value.")
      }
    }
    return nil
  }

  private func checkInputs(of payment: Payment) -> Problem? {
    let known = declaredInputs + ignoredInputs
    for sent in payment.inputs {
      guard let input = known.first(where: { $0.name == sent.name }) else {
        return Problem(.unknownMember, pointer: sent.name.map { "/inputs/\($0)" } ?? "/inputs")
      }
      if !input.accepts(sent.value) {
        return Problem(.invalidMember, pointer: input.pointer)
      }
    }
    for input in declaredInputs where input.isRequired && payment.value(of: input) == nil {
      return Problem(.missingMember, pointer: input.pointer)
    }
    for placeholder in inputs {
      guard let value = payment.value(of: placeholder.input) else { continue }
      if let map = placeholder.map, value.word.flatMap({ map[$0] }) == nil {
        return Problem(
          .invalidMember, pointer: placeholder.input.pointer,
          detail: "The acquirer's template has no word for this value.")
      }
    }
    return nil
  }

  private func group(_ variable: TemplateVariable) -> String? {
    variable.group?.rawValue ?? variable.pointer
  }

  /// Whether the message knows some other member of the variable's object.
  private func knows(groupOf variable: TemplateVariable) -> Bool {
    guard let group = variable.group else { return true }
    return uses.union(ignores).contains { $0.group == group }
  }
}
