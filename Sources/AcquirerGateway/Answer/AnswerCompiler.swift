import ConfigurationReading
import Tokenization
import VaultCore

/// Compiles how answers are read, and reports every mistake in it.
struct AnswerCompiler {
  let diagnostics: Diagnostics
  /// The operations whose answers they are.
  let operations: [PaymentOperation]

  /// The rules; nil where `tree` is not even a mapping. Other mistakes have been reported, too.
  func compile(_ tree: ConfigurationTree, name: String) -> AnswerRules? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    let rules = rules(reader)
    let code = declaredField(reader, "code")
    let transaction = declaredField(reader, "transaction_id")
    let network = declaredField(reader, "network_transaction_id")
    let approvedAmount = amount(reader)
    let threeDSecure = threeDSecure(reader)
    let challenge = challenge(reader)
    var fields: [AnswerRules.NamedField] = []
    if let further = reader.mapping("fields") {
      for member in further.named {
        guard isFieldName(member) else { continue }
        if Challenge.Member(rawValue: member.key) != nil {
          diagnostics.report(
            "the field \(quoted(member.key)) is the vault's own", at: member.position,
            suggestion: "say where it stands under \"challenge\"")
        }
        if let field = declaredField(further, member.key) {
          fields.append(.init(name: member.key, field: field))
        }
      }
    }
    reader.finish()
    checkAuthentication(rules, threeDSecure, challenge, at: reader.position)
    return AnswerRules(
      rules: rules, code: code, transactionIdentifier: transaction,
      networkTransactionIdentifier: network, approvedAmount: approvedAmount,
      threeDSecure: threeDSecure, challenge: challenge, fields: fields)
  }

  private func rules(_ reader: MappingReader) -> [AnswerRule] {
    guard let tree = reader.requiredTree("rules") else { return [] }
    guard case .sequence(let elements) = tree.value, !elements.isEmpty else {
      diagnostics.report(
        "\(quoted(reader.path("rules"))) expects a list, found \(tree.kind)", at: tree.position)
      return []
    }
    var rules: [AnswerRule] = []
    var isPastBody = false
    for element in elements {
      guard let rule = rule(element, name: reader.path("rules")) else { continue }
      if rule.conditions.isEmpty {
        isPastBody = true
      } else if isPastBody {
        diagnostics.report(
          "a rule on the body stands after one on the status alone", at: element.position,
          suggestion: "put it before, since what the body says decides first")
      }
      rules.append(rule)
    }
    return rules
  }

  private func rule(_ tree: ConfigurationTree, name: String) -> AnswerRule? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    defer { reader.finish() }
    let when = reader.requiredMapping("when")
    let verdict = verdict(reader)
    guard let when else { return nil }
    var conditions: [FieldCondition] = []
    var statuses: Set<Int>?
    for member in when.named {
      if member.key == "status" {
        statuses = self.statuses(member.tree, name: when.path(member.key))
      } else if let condition = condition(member, name: when.path(member.key)) {
        conditions.append(condition)
      }
    }
    if when.named.isEmpty {
      diagnostics.report("\(quoted(when.name)) asks for nothing", at: when.position)
    }
    return verdict.map { AnswerRule(conditions: conditions, statuses: statuses, verdict: $0) }
  }

  private func statuses(_ tree: ConfigurationTree, name: String) -> Set<Int> {
    var result: Set<Int> = []
    for element in list(tree) {
      if let status = element.integer, (200...599).contains(status) {
        result.insert(status)
      } else {
        diagnostics.report(
          "\(quoted(name)) expects a status from 200 to 599, found \(element.kind)",
          at: element.position)
      }
    }
    return result
  }

  private func condition(
    _ member: ConfigurationTree.Member, name: String
  ) -> FieldCondition? {
    guard let pointer = JSONPointer(member.key) else {
      diagnostics.report(
        "\(quoted(member.key)) is neither \"status\" nor a JSON Pointer", at: member.position,
        suggestion: "write it with slashes, such as /answer/status")
      return nil
    }
    if case .mapping = member.tree.value {
      guard let reader = MappingReader(member.tree, name: name, diagnostics) else { return nil }
      defer { reader.finish() }
      if reader.has("starts_with"), !reader.has("exists") {
        return reader.string("starts_with").map {
          FieldCondition(pointer: pointer, test: .startsWith($0))
        }
      }
      if !reader.has("exists") || reader.has("starts_with") {
        diagnostics.report(
          "\(quoted(name)) expects a value, a list, \"exists\" or \"starts_with\"",
          at: member.position)
      }
      return reader.boolean("exists").map {
        FieldCondition(pointer: pointer, test: .exists($0))
      }
    }
    let literals = list(member.tree).compactMap { literal($0, name: name) }
    return FieldCondition(pointer: pointer, test: .isAmong(literals))
  }

  private func list(_ tree: ConfigurationTree) -> [ConfigurationTree] {
    if case .sequence(let elements) = tree.value { return elements }
    return [tree]
  }

  private func literal(_ tree: ConfigurationTree, name: String) -> FieldCondition.Literal? {
    if let boolean = tree.boolean { return .boolean(boolean) }
    if let integer = tree.integer { return .integer(Int64(integer)) }
    if case .scalar(let text, _) = tree.value, !tree.isNull, !tree.looksLikeNumberOrBoolean {
      return .string(text)
    }
    diagnostics.report(
      "\(quoted(name)) expects a string, a whole number, true or false, found \(tree.kind)",
      at: tree.position,
      suggestion: tree.isNull ? "write {exists: false}" : "write a string in quotation marks")
    return nil
  }
}
