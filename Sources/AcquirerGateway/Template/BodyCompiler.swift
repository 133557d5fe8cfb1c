import ConfigurationReading
import JSON

/// Compiles the body: a JSON value in which placeholders are whole values.
struct BodyCompiler {
  /// A placeholder, and where it stands.
  struct Found {
    let placeholder: VariablePlaceholder
    let position: ConfigurationTree.Position
  }

  let diagnostics: Diagnostics
  /// What the template declares.
  let declared: [TemplateInput]
  private(set) var placeholders: [Found] = []
  private(set) var inputs: [InputPlaceholder] = []
  private(set) var choices: [ChoicePlaceholder] = []
  private(set) var constants: [ConstantUse] = []

  init(declared: [TemplateInput], diagnostics: Diagnostics) {
    self.declared = declared
    self.diagnostics = diagnostics
  }

  /// The body, which has to be an object; nil where it is none.
  mutating func compile(_ tree: ConfigurationTree, name: String) -> TemplateNode? {
    guard let node = node(tree, name: name) else { return nil }
    guard case .object = node else {
      diagnostics.report(
        "\(quoted(name)) expects a mapping of the message's members, found \(tree.kind)",
        at: tree.position)
      return nil
    }
    return node
  }

  private mutating func node(_ tree: ConfigurationTree, name: String) -> TemplateNode? {
    switch tree.value {
    case .scalar:
      return literal(tree, name: name).map { .literal($0) }
    case .sequence(let elements):
      let nodes = elements.compactMap { node($0, name: name) }
      return .array(
        nodes, onlyWith: TemplateNode.presence(of: nodes.flatMap(\.placeholders)))
    case .mapping(let members):
      if members.contains(where: { BodyCompiler.sources.contains($0.key) }) {
        return placeholder(tree, name: name)
      }
      let nodes: [TemplateNode.Member] = members.compactMap { member in
        node(member.tree, name: "\(name).\(member.key)").map { value in
          var json = JSONWriter(reserving: member.key.utf8.count + 3)
          json.name(JSONName(member.key))
          return TemplateNode.Member(name: json.bytes, value: value)
        }
      }
      return .object(
        nodes, onlyWith: TemplateNode.presence(of: nodes.flatMap(\.value.placeholders)))
    }
  }

  /// The keys that make a mapping a placeholder.
  private static let sources = ["var", "constant", "input", "choose"]

  private mutating func placeholder(_ tree: ConfigurationTree, name: String) -> TemplateNode? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    defer { reader.finish() }
    let sources = BodyCompiler.sources.filter { reader.has($0) }
    if sources.count > 1 {
      diagnostics.report(
        "a placeholder has either \"var\", \"constant\", \"input\" or \"choose\"", at: tree.position
      )
    }
    if sources.contains("choose") { return chosen(reader) }
    if sources.contains("constant") { return constant(reader, tree) }
    if sources.contains("input") { return input(reader, tree) }
    guard let word = reader.requiredString("var") else { return nil }
    guard let variable = TemplateVariable(rawValue: word) else {
      diagnostics.report(
        "unknown variable \(quoted(word))", at: tree.position,
        suggestion: suggestion(for: word, among: TemplateVariable.allCases.map(\.rawValue)))
      return nil
    }
    let form = form(of: variable, reader)
    let isOptional = reader.boolean("optional") ?? false
    if isOptional, variable.isAlwaysPresent {
      diagnostics.report(
        "\(quoted(word)) is never absent, so it is not optional", at: tree.position)
    }
    if !isOptional, variable == .cardPreferredBrand {
      diagnostics.report(
        "\(quoted(word)) is absent where the cardholder chose nothing", at: tree.position,
        suggestion: "add \"optional: true\"")
    }
    let map = translation(of: variable, reader)
    guard let form else { return nil }
    let placeholder = VariablePlaceholder(
      variable: variable, form: form, isOptional: isOptional, map: map)
    placeholders.append(Found(placeholder: placeholder, position: tree.position))
    return .variable(placeholder)
  }

  private mutating func chosen(_ reader: MappingReader) -> TemplateNode? {
    let compiler = ChoiceCompiler(diagnostics: diagnostics, declared: declared) { [self] in
      literal($0, name: $1)
    }
    guard let choice = compiler.compile(reader) else { return nil }
    choices.append(choice)
    return .choice(choice)
  }

  private mutating func constant(
    _ reader: MappingReader, _ tree: ConfigurationTree
  ) -> TemplateNode? {
    let form = choice(reader, "as", among: [ValueForm.string, .integer]) ?? .string
    guard let name = reader.requiredString("constant") else { return nil }
    constants.append(
      ConstantUse(
        name: name, position: tree.position, isInHead: false, isInteger: form == .integer))
    return .constant(name: name, form: form)
  }

  private mutating func input(
    _ reader: MappingReader, _ tree: ConfigurationTree
  ) -> TemplateNode? {
    guard let name = reader.requiredString("input") else { return nil }
    guard let input = declared.first(where: { $0.name == name }) else {
      diagnostics.report(
        "\"inputs\" does not declare \(quoted(name))", at: tree.position,
        suggestion: suggestion(for: name, among: declared.map(\.name)))
      return nil
    }
    let isQuoted = choice(reader, "as", among: [ValueForm.string]) != nil
    var map: [String: [UInt8]]?
    if let entries = reader.mapping("map") {
      checkAlone(entries, reader)
      guard let words = input.kind.words else {
        diagnostics.report("\(quoted(name)) cannot be translated", at: entries.position)
        return nil
      }
      map = entries.named.reduce(into: [:]) { map, member in
        if !words.contains(member.key) {
          diagnostics.report(
            "\(quoted(name)) is never \(quoted(member.key))", at: member.position,
            suggestion: suggestion(for: member.key, among: words))
        } else if let value = literal(member.tree, name: entries.path(member.key)) {
          map[member.key] = value
        }
      }
    }
    let placeholder = InputPlaceholder(input: input, isQuoted: isQuoted, map: map)
    inputs.append(placeholder)
    return .input(placeholder)
  }

  private func form(of variable: TemplateVariable, _ reader: MappingReader) -> ValueForm? {
    let forms = variable.forms
    guard reader.has("as") else {
      if variable.usualForm == nil {
        diagnostics.report(
          "\(quoted(variable.rawValue)) needs \"as\"", at: reader.position,
          suggestion: "one of \(forms.map(\.rawValue).joined(separator: ", "))")
      }
      return variable.usualForm
    }
    guard let form = choice(reader, "as", among: ValueForm.allCases) else { return nil }
    guard forms.contains(form) else {
      diagnostics.report(
        "\(quoted(variable.rawValue)) cannot be written as \(quoted(form.rawValue))",
        at: reader.position,
        suggestion: "one of \(forms.map(\.rawValue).joined(separator: ", "))")
      return nil
    }
    return form
  }

  private func checkAlone(_ map: MappingReader, _ placeholder: MappingReader) {
    guard placeholder.has("as") else { return }
    diagnostics.report(
      "\"map\" says how values are written, so \"as\" has no place beside it", at: map.position)
  }

  private func translation(
    of variable: TemplateVariable, _ reader: MappingReader
  ) -> [String: [UInt8]]? {
    guard let entries = reader.mapping("map") else { return nil }
    checkAlone(entries, reader)
    var map: [String: [UInt8]] = [:]
    for member in entries.named {
      switch variable.mappable {
      case .none:
        diagnostics.report(
          "\(quoted(variable.rawValue)) cannot be translated", at: entries.position)
        return nil
      case .among(let values) where !values.contains(member.key):
        diagnostics.report(
          "\(quoted(variable.rawValue)) is never \(quoted(member.key))", at: member.position,
          suggestion: suggestion(for: member.key, among: values))
      case .among, .anything: break
      }
      if let value = literal(member.tree, name: entries.path(member.key)) {
        map[member.key] = value
      }
    }
    return map
  }

  /// A scalar as a JSON value: what is quoted is a string, and so is what looks like nothing else.
  private func literal(_ tree: ConfigurationTree, name: String) -> [UInt8]? {
    guard case .scalar(let text, let isQuoted) = tree.value else {
      diagnostics.report("\(quoted(name)) expects one value, found \(tree.kind)", at: tree.position)
      return nil
    }
    var json = JSONWriter(reserving: text.utf8.count + 2)
    if !isQuoted, text.isEmpty {
      diagnostics.report(
        "\(quoted(name)) has no value", at: tree.position,
        suggestion: "write null for a JSON null, \"\" for an empty string")
      return nil
    } else if tree.isNull {
      json.null()
    } else if let boolean = tree.boolean {
      json.boolean(boolean)
    } else if let integer = tree.integer {
      json.integer(integer)
    } else if tree.looksLikeNumberOrBoolean {
      diagnostics.report(
        "\(quoted(name)) is neither a whole number nor a string", at: tree.position,
        suggestion: "write \(quoted(text)) in quotation marks")
      return nil
    } else {
      json.string(text)
    }
    return json.bytes
  }
}
