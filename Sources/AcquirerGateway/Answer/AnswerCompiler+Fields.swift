import Bytes
import ConfigurationReading
import Tokenization

/// Where an answer has what is let through.
extension AnswerCompiler {
  func isFieldName(_ member: ConfigurationTree.Member) -> Bool {
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

  func declaredField(_ reader: MappingReader, _ key: String) -> DeclaredField? {
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
  func pointers(_ reader: MappingReader, _ key: String) -> [JSONPointer] {
    guard case .sequence? = reader.tree(key)?.value else {
      return pointer(reader, key).map { [$0] } ?? []
    }
    let texts = reader.strings(key) ?? []
    if texts.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path(key))) names no place", at: reader.position(of: key),
        suggestion: "write a JSON Pointer such as /answer/status")
    }
    return texts.compactMap { text, position in
      pointer(text, at: position, name: reader.path(key))
    }
  }

  func pointer(_ reader: MappingReader, _ key: String) -> JSONPointer? {
    guard let text = reader.requiredString(key) else { return nil }
    return pointer(text, at: reader.position(of: key), name: reader.path(key))
  }

  func pointer(
    _ text: String, at position: ConfigurationTree.Position, name: String
  ) -> JSONPointer? {
    if let pointer = JSONPointer(text) { return pointer }
    diagnostics.report(
      "\(quoted(name)) is not a JSON Pointer", at: position,
      suggestion: "write it with slashes, such as /answer/status")
    return nil
  }

  func amount(_ reader: MappingReader) -> AmountField? {
    guard let amount = reader.mapping("approved_amount") else { return nil }
    defer { amount.finish() }
    let form = choice(amount, "as", among: [ValueForm.integer, .amountDecimal]) ?? .integer
    return pointer(amount, "field").map {
      AmountField(pointer: $0, isDecimal: form == .amountDecimal)
    }
  }

  // MARK: - 3-D Secure

  /// Each value of 3-D Secure: its pointer, a list of pointers, or `field` and `map`.
  func threeDSecure(_ reader: MappingReader) -> [ThreeDSecure.Member: TranslatedField] {
    guard let section = reader.mapping("three_ds") else { return [:] }
    defer { section.finish() }
    var fields: [ThreeDSecure.Member: TranslatedField] = [:]
    for member in ThreeDSecure.Member.allCases {
      guard let tree = section.tree(member.rawValue) else { continue }
      guard case .mapping = tree.value else {
        fields[member] = TranslatedField(pointers: pointers(section, member.rawValue), map: nil)
        continue
      }
      guard let field = section.mapping(member.rawValue) else { continue }
      defer { field.finish() }
      let map = field.mapping("map").map { entries in
        translation(entries, of: member)
      }
      fields[member] = TranslatedField(pointers: pointers(field, "field"), map: map)
    }
    return fields
  }

  private func translation(
    _ entries: MappingReader, of member: ThreeDSecure.Member
  ) -> [String: String] {
    var map: [String: String] = [:]
    for entry in entries.named {
      guard let value = entries.requiredString(entry.key) else { continue }
      if !member.accepts(value.utf8Span.span.rawSpan) {
        diagnostics.report(
          "\(quoted(value)) is no value of \(quoted(member.rawValue))", at: entry.position)
      }
      map[entry.key] = value
    }
    return map
  }

  /// What a challenge takes: all three pointers.
  func challenge(_ reader: MappingReader) -> [Challenge.Member: [JSONPointer]] {
    guard let section = reader.mapping("challenge") else { return [:] }
    defer { section.finish() }
    var fields: [Challenge.Member: [JSONPointer]] = [:]
    for member in Challenge.Member.allCases where section.requiredTree(member.rawValue) != nil {
      fields[member] = pointers(section, member.rawValue)
    }
    return fields
  }

  /// An outcome that has to come with data needs to be told where the data stands.
  func checkAuthentication(
    _ rules: [AnswerRule], _ threeDSecure: [ThreeDSecure.Member: TranslatedField],
    _ challenge: [Challenge.Member: [JSONPointer]], at position: ConfigurationTree.Position
  ) {
    let outcomes = rules.compactMap { rule -> PaymentAnswer.Outcome? in
      if case .decided(let decision) = rule.verdict { decision.outcome } else { nil }
    }
    if outcomes.contains(.authenticated),
      threeDSecure[.version] == nil || threeDSecure[.transStatus] == nil
    {
      diagnostics.report(
        "\"authenticated\" needs \"three_ds\" with \"version\" and \"trans_status\"", at: position,
        suggestion: "say where the answer has them, such as three_ds: {version: /version, …}")
    }
    if outcomes.contains(.challengeRequired), challenge.isEmpty {
      diagnostics.report(
        "\"challenge_required\" needs \"challenge\"", at: position,
        suggestion: "say where the answer has acs_url, creq and three_ds_server_transaction_id")
    }
  }
}
