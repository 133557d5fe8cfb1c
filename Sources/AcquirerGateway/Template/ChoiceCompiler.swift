import ConfigurationReading
import Tokenization

/// Compiles `choose`: branches of `when` and `value`.
struct ChoiceCompiler {
  let diagnostics: Diagnostics
  /// What the template declares.
  let declared: [TemplateInput]
  /// A scalar as a JSON value; the name is for messages.
  let literal: (ConfigurationTree, String) -> [UInt8]?

  /// The choice; nil where it is none. Mistakes have been reported.
  func compile(_ reader: MappingReader) -> ChoicePlaceholder? {
    guard let tree = reader.requiredTree("choose") else { return nil }
    let name = reader.path("choose")
    guard case .sequence(let elements) = tree.value, !elements.isEmpty else {
      diagnostics.report(
        "\(quoted(name)) expects a list, found \(tree.kind)", at: tree.position,
        suggestion: "write - {when: {initiator: merchant}, value: MIT}")
      return nil
    }
    return ChoicePlaceholder(branches: elements.compactMap { branch($0, name: name) })
  }

  private func branch(
    _ tree: ConfigurationTree, name: String
  ) -> ChoicePlaceholder.Branch? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    defer { reader.finish() }
    let value = reader.tree("value").map { literal($0, reader.path("value")) }
    guard let when = reader.requiredMapping("when") else { return nil }
    if when.named.isEmpty {
      diagnostics.report("\(quoted(when.name)) asks for nothing", at: when.position)
    }
    let conditions = when.named.compactMap { condition($0, when) }
    return ChoicePlaceholder.Branch(conditions: conditions, value: value ?? nil)
  }

  private func condition(
    _ member: ConfigurationTree.Member, _ when: MappingReader
  ) -> ChoicePlaceholder.Condition? {
    guard let (source, known) = source(member) else { return nil }
    var elements = [member.tree]
    if case .sequence(let several) = member.tree.value { elements = several }
    var words: [String] = []
    for element in elements {
      guard case .scalar(let word, _) = element.value, known.contains(word) else {
        let found: String
        if case .scalar(let word, _) = element.value { found = word } else { found = element.kind }
        diagnostics.report(
          "\(quoted(member.key)) is never \(quoted(found))", at: element.position,
          suggestion: suggestion(for: found, among: known))
        continue
      }
      words.append(word)
    }
    return ChoicePlaceholder.Condition(source: source, words: words)
  }

  /// A member of the request by its name, and the words that it may be.
  private func source(
    _ member: ConfigurationTree.Member
  ) -> (ChoicePlaceholder.Source, words: [String])? {
    if let input = declared.first(where: { "inputs.\($0.name)" == member.key }),
      let words = input.kind.words
    {
      return (.input(input), words)
    }
    if let variable = TemplateVariable(rawValue: member.key), let words = variable.closedWords {
      return (.variable(variable), words)
    }
    let names =
      TemplateVariable.allCases.filter { $0.closedWords != nil }.map(\.rawValue)
      + declared.filter { $0.kind.words != nil }.map { "inputs.\($0.name)" }
    diagnostics.report(
      "\(quoted(member.key)) has no closed set of values to choose by", at: member.position,
      suggestion: suggestion(for: member.key, among: names))
    return nil
  }
}

extension TemplateVariable {
  /// The words of a member of the request with a closed set of values; nil for any other.
  fileprivate var closedWords: [String]? {
    guard pointer != nil, case .among(let words) = mappable else { return nil }
    return words
  }
}

extension TemplateInput.Kind {
  /// The words of an input with a closed set of values; nil for any other.
  var words: [String]? {
    switch self {
    case .words(let words): words
    case .boolean: ["true", "false"]
    case .text, .integer: nil
    }
  }
}
