import JSON
package import Vault

/// Reduces an answer to what its rules declare: a pure function of status, body and card number.
package struct AnswerReader {
  /// How deep values may nest in an answer.
  package static let depth = 16
  /// How many values an answer may hold.
  package static let nodes = 4_096

  let rules: AnswerRules
  /// The amount that was asked for, in minor units.
  let requestedAmount: Int64?
  /// The security code that was sent: one of `fields` that repeats it is dropped.
  var securityCode: SecurityCode?

  /// What the answer means.
  ///
  /// - Parameters:
  ///   - status: the HTTP status.
  ///   - body: the body, lent for the call.
  ///   - cardNumber: the digits of the card that was sent.
  /// - Returns: never anything that holds the card number; text of the answer only where a declared
  ///   pattern matched the whole of it.
  package func outcome(status: Int, body: RawSpan, cardNumber: RawSpan) -> AcquirerOutcome {
    let tape: JSONTape
    do throws(JSONError) {
      tape = try JSONTape.parse(
        body, maximumDepth: AnswerReader.depth, maximumNodes: AnswerReader.nodes)
    } catch {
      switch error {
      case .malformed, .duplicateMember, .trailingBytes:
        return .unknown(cause: GatewayCause.notJSON)
      case .tooDeep, .tooManyNodes, .tooLong: return .unknown(cause: GatewayCause.answerTooLarge)
      }
    }
    guard let rule = rules.rules.first(where: { holds($0, status: status, tape, body) }) else {
      return .unknown(cause: GatewayCause.unmapped)
    }
    let holdsCardNumber = CardNumberSearch.isIn(body, parsed: tape, digits: cardNumber)
    switch rule.verdict {
    case .unknown:
      return .unknown(cause: GatewayCause.declaredUnknown)
    case .rejected:
      return .rejected(code: holdsCardNumber ? nil : text(rules.code, tape, body))
    case .decided(let outcome, _) where holdsCardNumber:
      return .answered(PaymentAnswer(outcome: outcome, heldCardNumber: true))
    case .decided(let outcome, let reason):
      return decided(outcome, reason, tape, body)
    }
  }

  private func decided(
    _ outcome: PaymentAnswer.Outcome, _ reason: ReasonRule?, _ tape: JSONTape, _ body: RawSpan
  ) -> AcquirerOutcome {
    var answer = PaymentAnswer(outcome: outcome)
    if outcome == .approved, let pointer = rules.approvedAmount,
      let node = pointer.find(in: tape, body)
    {
      // To read a part as the whole would be to give goods away, so an amount that cannot be read
      // makes the whole answer one that cannot.
      guard let amount = amount(node, tape, body) else {
        return .unknown(cause: GatewayCause.unmapped)
      }
      answer.approvedAmount = amount == requestedAmount ? nil : amount
    }
    answer.reason = reason.flatMap { self.reason($0, tape, body) }
    answer.code = text(rules.code, tape, body)
    answer.transactionIdentifier = text(rules.transactionIdentifier, tape, body)
    answer.networkTransactionIdentifier = text(rules.networkTransactionIdentifier, tape, body)
    for named in rules.fields {
      if let value = text(named.field, tape, body), securityCode?.isEqual(to: value) != true {
        answer.fields.append(PaymentAnswer.Field(name: named.name, value: value))
      }
    }
    return .answered(answer)
  }

  private func holds(
    _ rule: AnswerRule, status: Int, _ tape: JSONTape, _ body: RawSpan
  ) -> Bool {
    if let statuses = rule.statuses, !statuses.contains(status) { return false }
    for condition in rule.conditions {
      let node = condition.pointer.find(in: tape, body)
      switch condition.test {
      case .exists(let expected):
        if (node != nil) != expected { return false }
      case .startsWith(let beginning):
        guard let node, let text = scalar(node, tape, body), text.hasPrefix(beginning) else {
          return false
        }
      case .isAmong(let literals):
        guard let node else { return false }
        var matches = false
        for literal in literals where equals(node, literal, tape, body) { matches = true }
        if !matches { return false }
      }
    }
    return true
  }

  private func equals(
    _ node: JSONTape.Node, _ literal: FieldCondition.Literal, _ tape: JSONTape, _ body: RawSpan
  ) -> Bool {
    switch literal {
    case .string(let text): tape.isString(node, equalTo: text, in: body)
    case .integer(let value): tape.integer(of: node, in: body) == value
    case .boolean(let value): tape.boolean(of: node) == value
    }
  }

  /// A string's text, or an integer's digits, where it matches; never longer than a pattern allows.
  private func text(_ field: DeclaredField?, _ tape: JSONTape, _ body: RawSpan) -> String? {
    guard let field else { return nil }
    var found: JSONTape.Node?
    for pointer in field.pointers where found == nil { found = pointer.find(in: tape, body) }
    guard let node = found, let text = scalar(node, tape, body), field.pattern.matches(text)
    else { return nil }
    return text
  }

  private func reason(
    _ rule: ReasonRule, _ tape: JSONTape, _ body: RawSpan
  ) -> PaymentAnswer.Reason? {
    guard let pointer = rule.field else { return rule.otherwise }
    guard let node = pointer.find(in: tape, body), let text = scalar(node, tape, body) else {
      return rule.otherwise
    }
    return rule.map[text] ?? rule.otherwise
  }

  private func scalar(_ node: JSONTape.Node, _ tape: JSONTape, _ body: RawSpan) -> String? {
    // An escape takes at most six bytes for one.
    guard node.content.count <= FieldPattern.longest * 6 else { return nil }
    return tape.string(of: node, in: body) ?? tape.integer(of: node, in: body).map { String($0) }
  }

  private func amount(_ node: JSONTape.Node, _ tape: JSONTape, _ body: RawSpan) -> Int64? {
    let value: Int64?
    if let text = tape.string(of: node, in: body) {
      value = Int64(text).flatMap { String($0) == text ? $0 : nil }
    } else {
      value = tape.integer(of: node, in: body)
    }
    return value.flatMap { (0...999_999_999_999).contains($0) ? $0 : nil }
  }
}
