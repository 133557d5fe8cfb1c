import ConfigurationReading

/// Compiles path and headers: literals and whole values that are fit for a line of the head.
struct HeadCompiler {
  let diagnostics: Diagnostics
  /// Where relative paths start.
  let directory: String
  private(set) var constants: [ConstantUse] = []
  private(set) var hasPaymentIdentifier = false

  init(directory: String, diagnostics: Diagnostics) {
    self.directory = directory
    self.diagnostics = diagnostics
  }

  /// The lines that each message has unless the template has such a header of its own.
  static func standingLines(beside headers: [HeaderLine]) -> String {
    let own = Set(headers.map { $0.name.lowercased() })
    let lines = [
      ("Content-Type", "application/json"), ("Accept", "application/json"),
      ("Accept-Encoding", "identity"), ("User-Agent", "cadenas"),
    ]
    return lines.filter { !own.contains($0.0.lowercased()) }.map { "\($0.0): \($0.1)\r\n" }.joined()
  }

  /// The path: a literal `/v1/payments`, or the list of its segments.
  mutating func path(_ tree: ConfigurationTree, name: String) -> [PathPart] {
    switch tree.value {
    case .sequence(let elements):
      return elements.compactMap { element in
        switch element.value {
        case .scalar(let text, _) where HeadCharacters.isPathSegment(text):
          return .segment(.literal(text))
        case .mapping:
          return placeholder(element, name: name).map { .segment($0) }
        case .scalar, .sequence:
          diagnostics.report(
            "\(quoted(name)) expects a segment of A-Z a-z 0-9 - . _ ~, found \(element.kind)",
            at: element.position)
          return nil
        }
      }
    case .scalar(let text, _) where HeadCharacters.isPath(text):
      return [.literal(text)]
    case .scalar, .mapping:
      diagnostics.report(
        "\(quoted(name)) expects a path, found \(tree.kind)", at: tree.position,
        suggestion: "write /v1/payments, or a list of segments such as "
          + "[v1, {constant: shop}, payments]")
      return []
    }
  }

  /// The headers, in their order.
  mutating func headers(_ reader: MappingReader) -> [HeaderLine] {
    var lines: [HeaderLine] = []
    var names: Set<String> = []
    for member in reader.named {
      let lowercased = member.key.lowercased()
      guard HeadCharacters.isHeaderName(member.key) else {
        diagnostics.report("\(quoted(member.key)) is not a header's name", at: member.position)
        continue
      }
      if HeadCharacters.reservedHeaders.contains(lowercased) {
        diagnostics.report(
          "the header \(quoted(member.key)) is the vault's own", at: member.position,
          suggestion: lowercased == "authorization"
            ? "write \"authorization: basic\" beside \"operations\"" : nil)
        continue
      }
      if !names.insert(lowercased).inserted {
        diagnostics.report("the header \(quoted(member.key)) stands twice", at: member.position)
      }
      if let value = headerValue(member.tree, name: reader.path(member.key)) {
        if lowercased == "accept-encoding", !value.isIdentity {
          diagnostics.report(
            "an answer in a content coding is not read", at: member.position,
            suggestion: "leave \(quoted(member.key)) out: the vault asks for none")
          continue
        }
        lines.append(HeaderLine(name: member.key, value: value))
      }
    }
    return lines
  }

  private mutating func headerValue(_ tree: ConfigurationTree, name: String) -> HeadValue? {
    switch tree.value {
    case .mapping(let members) where members.contains(where: { $0.key == "secret_file" }):
      return secret(tree, name: name)
    case .mapping:
      return placeholder(tree, name: name)
    case .scalar(let text, _) where HeadCharacters.isHeaderValue(text):
      return .literal(text)
    case .scalar, .sequence:
      diagnostics.report(
        "\(quoted(name)) expects visible ASCII on one line, found \(tree.kind)", at: tree.position)
      return nil
    }
  }

  private func secret(_ tree: ConfigurationTree, name: String) -> HeadValue? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    defer { reader.finish() }
    guard let text = reader.requiredString("secret_file") else { return nil }
    let path = ConfigurationFiles.absolute(text, in: directory)
    do throws(ConfigurationFileProblem) {
      try ConfigurationFiles.check(path, isPrivate: true)
      diagnostics.noteFile(path)
    } catch {
      var help: String?
      if case .notPrivate = error { help = "chmod 600 \(path)" }
      diagnostics.report("\(path) \(error.text)", at: tree.position, suggestion: help)
      return nil
    }
    do throws(SecretFile.Failure) {
      return .secret(try SecretFile.header(path))
    } catch {
      diagnostics.report("\(path) \(error.message)", at: tree.position)
      return nil
    }
  }

  private mutating func placeholder(_ tree: ConfigurationTree, name: String) -> HeadValue? {
    guard let reader = MappingReader(tree, name: name, diagnostics) else { return nil }
    defer { reader.finish() }
    if let constant = reader.string("constant") {
      constants.append(
        ConstantUse(name: constant, position: tree.position, isInHead: true, isInteger: false))
      return .constant(constant)
    }
    guard let word = reader.requiredString("var") else { return nil }
    let fit = TemplateVariable.allCases.filter(\.isFitForHead)
    switch TemplateVariable(rawValue: word) {
    case .paymentIdentifier:
      hasPaymentIdentifier = true
      return .paymentIdentifier
    case .operation:
      return .operation
    case .some:
      diagnostics.report(
        "\(quoted(word)) may not stand in the path or a header", at: tree.position,
        suggestion: "only \(fit.map(\.rawValue).joined(separator: ", ")) and constants may")
      return nil
    case nil:
      diagnostics.report(
        "unknown variable \(quoted(word))", at: tree.position,
        suggestion: suggestion(for: word, among: fit.map(\.rawValue)))
      return nil
    }
  }
}

extension HeadValue {
  /// Whether it is the literal `identity`.
  fileprivate var isIdentity: Bool {
    if case .literal("identity") = self { true } else { false }
  }
}
