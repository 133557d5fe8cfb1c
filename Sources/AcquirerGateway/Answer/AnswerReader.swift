internal import Bytes
import JSON
package import Tokenization

/// Reduces an answer to what its rules declare: a pure function of status, body and card number.
///
/// The approved amount is read first, since it has to survive when everything else is dropped: a part
/// that is told as the whole gives goods away. It counts for an approval alone.
package struct AnswerReader {
  /// How deep values may nest in an answer.
  package static let depth = 16
  /// How many values an answer may hold.
  package static let nodes = 4_096

  let rules: AnswerRules
  /// The amount that was asked for, in minor units; nil for a message without one, which asks for 0.
  let requestedAmount: Int64?
  /// How many decimals the currency of that amount has; nil for a message without one.
  var decimals: Int?
  /// The security code that was sent: a member that repeats it is dropped.
  var securityCode: SecurityCode?
  /// What was asked for.
  var operation = PaymentOperation.authorize

  /// What the answer means.
  ///
  /// - Parameters:
  ///   - status: the HTTP status.
  ///   - body: the body, lent for the call.
  ///   - cardNumber: the digits of the card that was sent.
  /// - Returns: never anything that holds nine or more consecutive digits of the card number; text of
  ///   the answer only where a declared pattern matched the whole of it.
  package func outcome(status: Int, body: RawSpan, cardNumber: RawSpan) -> AcquirerOutcome {
    let body = Self.withoutByteOrderMark(body)
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(
        body, maximumDepth: AnswerReader.depth, maximumNodes: AnswerReader.nodes)
    } catch {
      return unknown(
        Self.cause(error), holdsNumber: CardNumberSearch.isIn(body, digits: cardNumber))
    }
    let holdsNumber = CardNumberSearch.isIn(document, digits: cardNumber)
    guard let rule = rules.rules.first(where: { holds($0, status: status, document) }) else {
      return unknown(GatewayCause.unmapped, holdsNumber: holdsNumber)
    }
    var screen = MemberScreen(cardNumber: cardNumber, securityCode: securityCode)
    switch rule.verdict {
    case .unknown:
      return unknown(GatewayCause.declaredUnknown, holdsNumber: holdsNumber)
    case .rejected:
      if holdsNumber { return .rejected(code: nil, heldCardNumber: true) }
      let code = text(rules.code, document, &screen, mayBeSecurityCode: true)
      return .rejected(code: code, heldCardNumber: screen.foundPiece)
    case .decided(let decision):
      return outcome(decision, document, &screen, holdsNumber: holdsNumber)
    }
  }

  private func outcome(
    _ decision: Decision, _ document: JSONDocument, _ screen: inout MemberScreen, holdsNumber: Bool
  ) -> AcquirerOutcome {
    guard operation.mayEnd(in: decision.outcome) else {
      return unknown(GatewayCause.unmapped, holdsNumber: holdsNumber)
    }
    var answer = PaymentAnswer(outcome: decision.outcome, heldCardNumber: holdsNumber)
    do throws(AmountProblem) {
      answer.approvedAmount = try approvedAmount(decision.outcome, document, &screen)
    } catch {
      return unknown(GatewayCause.approvedAmount, holdsNumber: holdsNumber || screen.foundPiece)
    }
    switch decision.outcome {
    case .authenticated: answer.threeDSecure = threeDSecure(document, &screen)
    case .challengeRequired: answer.challenge = challenge(document, &screen)
    case .approved, .pending, .refused, .authenticationRequired: break
    }
    let lacksData =
      decision.outcome == .authenticated && answer.threeDSecure == nil
      || decision.outcome == .challengeRequired && answer.challenge == nil
    if lacksData {
      return unknown(
        GatewayCause.authenticationData, holdsNumber: holdsNumber || screen.foundPiece)
    }
    if holdsNumber {
      answer.threeDSecure = nil
      answer.challenge = nil
      return .answered(answer)
    }
    answer.captured = decision.captured
    answer.reason = decision.reason.flatMap { self.reason($0, document) }
    fill(&answer, document, &screen)
    return .answered(answer)
  }

  /// An acquirer may write UTF-8 with a byte order mark, which a reader may ignore (RFC 8259, 8.1).
  @_lifetime(copy body)
  private static func withoutByteOrderMark(_ body: RawSpan) -> RawSpan {
    guard body.byteCount >= 3, body.byte(0) == 0xEF, body.byte(1) == 0xBB, body.byte(2) == 0xBF
    else { return body }
    return body.extracting(droppingFirst: 3)
  }

  private static func cause(_ error: JSONError) -> String {
    switch error {
    case .malformed, .duplicateMember, .trailingBytes: GatewayCause.notJSON
    case .tooDeep, .tooManyNodes, .tooLong: GatewayCause.answerTooLarge
    }
  }

  /// That an acquirer sends card numbers back is worth an alarm whatever else is wrong.
  private func unknown(_ cause: String, holdsNumber: Bool) -> AcquirerOutcome {
    .unknown(cause: holdsNumber ? GatewayCause.cardNumberInAnswer : cause)
  }

  /// The members that the rules declare, each searched for what the shop must not have.
  private func fill(
    _ answer: inout PaymentAnswer, _ document: JSONDocument, _ screen: inout MemberScreen
  ) {
    answer.code = text(rules.code, document, &screen, mayBeSecurityCode: true)
    answer.transactionIdentifier = text(rules.transactionIdentifier, document, &screen)
    answer.networkTransactionIdentifier = text(
      rules.networkTransactionIdentifier, document, &screen)
    for named in rules.fields {
      if let value = text(named.field, document, &screen) {
        answer.fields.append(PaymentAnswer.Field(name: named.name, value: value))
      }
    }
    answer.heldCardNumber = screen.foundPiece
    answer.heldSecurityCode = screen.foundSecurityCode
  }

  private func holds(
    _ rule: AnswerRule, status: Int, _ document: JSONDocument
  ) -> Bool {
    if let statuses = rule.statuses, !statuses.contains(status) { return false }
    for condition in rule.conditions {
      let node = condition.pointer.find(in: document)
      switch condition.test {
      case .exists(let expected):
        if (node != nil) != expected { return false }
      case .startsWith(let beginning):
        guard let node, let text = scalar(node, document), text.hasPrefix(beginning) else {
          return false
        }
      case .isAmong(let literals):
        guard let node, literals.contains(where: { equals(node, $0, document) }) else {
          return false
        }
      }
    }
    return true
  }

  private func equals(
    _ node: JSONDocument.Node, _ literal: FieldCondition.Literal, _ document: JSONDocument
  ) -> Bool {
    switch literal {
    case .string(let text): document.isString(node, equalTo: text)
    case .integer(let value): document.integer(of: node) == value
    case .boolean(let value): document.boolean(of: node) == value
    }
  }

  /// A string's text, or an integer's digits, where it matches and may be let through; never longer
  /// than a pattern allows.
  private func text(
    _ field: DeclaredField?, _ document: JSONDocument, _ screen: inout MemberScreen,
    mayBeSecurityCode: Bool = false
  ) -> String? {
    guard let field else { return nil }
    guard let node = node(field.pointers, document), let text = scalar(node, document),
      field.pattern.matches(text)
    else { return nil }
    return screen.pass(
      text, mayBeSecurityCode: mayBeSecurityCode || field.pattern.isThreeOrFourDigits)
  }

  private func reason(
    _ rule: ReasonRule, _ document: JSONDocument
  ) -> PaymentAnswer.Reason? {
    guard let node = node(rule.pointers, document), let text = scalar(node, document) else {
      return rule.otherwise
    }
    return rule.map[text] ?? rule.otherwise
  }

  func scalar(_ node: JSONDocument.Node, _ document: JSONDocument) -> String? {
    // An escape takes at most six bytes for one.
    guard node.content.count <= FieldPattern.longest * 6 else { return nil }
    guard node.kind == .number else { return document.string(of: node) }
    // What is told as text is told as it was written.
    let isPlain = node.content.allSatisfy { offset in
      isDigit(document.text.byte(offset)) || document.text.byte(offset) == UInt8(ascii: "-")
    }
    return isPlain ? document.integer(of: node).map { String($0) } : nil
  }
}

// MARK: - The approved amount

extension AnswerReader {
  /// The approved amount cannot be told, so nobody knows what was approved.
  private struct AmountProblem: Error {}

  /// What was approved, in minor units; nil for the whole of what was asked, as where the acquirer
  /// says nothing.
  ///
  /// - Throws: where it cannot be read, or is not between 0 and what was asked; and where it is a part
  ///   that holds nine or more consecutive digits of the card number, since null would say "the whole".
  private func approvedAmount(
    _ outcome: PaymentAnswer.Outcome, _ document: JSONDocument,
    _ screen: inout MemberScreen
  ) throws(AmountProblem) -> Int64? {
    guard outcome == .approved, let field = rules.approvedAmount,
      let node = field.pointer.find(in: document)
    else { return nil }
    let found =
      field.isDecimal
      ? decimalAmount(node, document, times10ToThe: decimals ?? 0) : amount(node, document)
    guard let amount = found, amount >= 0 else { throw AmountProblem() }
    let asked = requestedAmount ?? 0
    if amount == asked { return nil }
    if screen.holdsPiece(String(amount)) || amount > asked { throw AmountProblem() }
    return amount
  }

  /// A whole number, as a number in any form (`500`, `500.0`, `5e2`) or as a string of its digits.
  private func amount(_ node: JSONDocument.Node, _ document: JSONDocument) -> Int64? {
    guard node.kind == .string else { return document.integer(of: node) }
    return scalar(node, document).flatMap { text in
      Int64(text).flatMap { String($0) == text ? $0 : nil }
    }
  }

  /// The same of one that counts the major unit, with no more decimals than the currency has but zeros:
  /// `49.9`, `"49.90"`.
  private func decimalAmount(
    _ node: JSONDocument.Node, _ document: JSONDocument, times10ToThe power: Int
  ) -> Int64? {
    guard node.kind == .string else { return document.integer(of: node, times10ToThe: power) }
    guard let text = scalar(node, document) else { return nil }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    var decimals = parts.count == 2 ? parts[1] : ""
    guard let whole = Int64(parts[0]), String(whole) == parts[0],
      parts.count == 1 || !decimals.isEmpty, decimals.utf8.allSatisfy(isDigit)
    else { return nil }
    while decimals.utf8.count > power, decimals.last == "0" { decimals.removeLast() }
    guard decimals.utf8.count <= power else { return nil }
    let digits =
      "\(whole)\(decimals)" + String(repeating: "0", count: power - decimals.utf8.count)
    return Int64(digits)
  }
}
