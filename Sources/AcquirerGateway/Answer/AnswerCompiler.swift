import Configuration
import Tokenization
import VaultCore

/// Compiles how answers are read, and reports every mistake in it.
struct AnswerCompiler {
  let diagnostics: Diagnostics

  /// The rules; nil where `tree` is not even a mapping. Other mistakes have been reported, too.
  func compile(_ tree: ConfigurationTree, name: String) -> AnswerRules? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    let rules = rules(reader)
    let code = declaredField(reader, "code")
    let transaction = declaredField(reader, "transaction_id")
    let network = declaredField(reader, "network_transaction_id")
    var approvedAmount: JSONPointer?
    if let amount = reader.mapping("approved_amount") {
      approvedAmount = pointer(amount, "field")
      amount.finish()
    }
    var fields: [AnswerRules.NamedField] = []
    if let further = reader.mapping("fields") {
      for member in further.named {
        guard isFieldName(member) else { continue }
        if let field = declaredField(further, member.key) {
          fields.append(.init(name: member.key, field: field))
        }
      }
    }
    reader.finish()
    return AnswerRules(
      rules: rules, code: code, transactionIdentifier: transaction,
      networkTransactionIdentifier: network, approvedAmount: approvedAmount, fields: fields)
  }

  private func isFieldName(_ member: ConfigurationTree.Member) -> Bool {
    let bytes = member.key.utf8
    let isName =
      (1...64).contains(bytes.count)
      && bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    if !isName {
      diagnostics.report(
        "\(quoted(member.key)) is not a field's name", at: member.position,
        suggestion: "use a-z 0-9 _")
    }
    return isName
  }

  private func declaredField(_ reader: MappingReader, _ key: String) -> DeclaredField? {
    guard let field = reader.mapping(key) else { return nil }
    defer { field.finish() }
    let pointers = pointers(field, "field")
    guard let text = field.requiredString("pattern") else { return nil }
    guard let pattern = FieldPattern(text) else {
      diagnostics.report(
        "\(quoted(field.path("pattern"))) is not a pattern", at: field.position(of: "pattern"),
        suggestion: "write one class and a count, such as [A-Za-z0-9-]{1,36}")
      return nil
    }
    return pointers.isEmpty ? nil : DeclaredField(pointers: pointers, pattern: pattern)
  }

  /// One pointer, or a list of them.
  private func pointers(_ reader: MappingReader, _ key: String) -> [JSONPointer] {
    guard case .sequence? = reader.tree(key)?.value else {
      return pointer(reader, key).map { [$0] } ?? []
    }
    return (reader.strings(key) ?? []).compactMap { text, position in
      pointer(text, at: position, name: reader.path(key))
    }
  }

  private func pointer(_ reader: MappingReader, _ key: String) -> JSONPointer? {
    guard let text = reader.requiredString(key) else { return nil }
    return pointer(text, at: reader.position(of: key), name: reader.path(key))
  }

  private func pointer(
    _ text: String, at position: ConfigurationTree.Position, name: String
  ) -> JSONPointer? {
    if let pointer = JSONPointer(text) { return pointer }
    diagnostics.report(
      "\(quoted(name)) is not a JSON Pointer", at: position,
      suggestion: "write it with slashes, such as /answer/status")
    return nil
  }

  // MARK: - Rules

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

  // MARK: - Verdicts

  private enum Word: String, CaseIterable {
    case approved, refused
    case authenticationRequired = "authentication_required"
    case rejected, unknown
  }

  private func verdict(_ reader: MappingReader) -> AnswerRule.Verdict? {
    let reason = reader.tree("reason").map { reasonRule($0, reader) }
    guard reader.requiredTree("outcome") != nil,
      let word = choice(reader, "outcome", among: Word.allCases)
    else { return nil }
    if reason != nil, word != .refused {
      diagnostics.report(
        "only a refusal has a \"reason\"", at: reader.position(of: "reason"))
    }
    switch word {
    case .approved: return .decided(.approved, nil)
    case .refused: return .decided(.refused, reason ?? nil)
    case .authenticationRequired: return .decided(.authenticationRequired, nil)
    case .rejected: return .rejected
    case .unknown: return .unknown
    }
  }

  private func reasonRule(_ tree: ConfigurationTree, _ rule: MappingReader) -> ReasonRule? {
    guard case .mapping = tree.value else {
      return choice(rule, "reason", among: PaymentAnswer.Reason.allCases).map {
        ReasonRule(field: nil, map: [:], otherwise: $0)
      }
    }
    guard let reader = MappingReader(tree, name: rule.path("reason"), diagnostics) else {
      return nil
    }
    defer { reader.finish() }
    let field = pointer(reader, "field")
    var map: [String: PaymentAnswer.Reason] = [:]
    if let entries = reader.requiredMapping("map") {
      for member in entries.named {
        map[member.key] = choice(entries, member.key, among: PaymentAnswer.Reason.allCases)
      }
    }
    let otherwise = choice(reader, "otherwise", among: PaymentAnswer.Reason.allCases)
    return field.map { ReasonRule(field: $0, map: map, otherwise: otherwise) }
  }
}
