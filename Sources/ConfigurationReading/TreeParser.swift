internal import Bytes
internal import Cryptography
import Yams

extension ConfigurationTree {
  /// The bounds of a configuration file. Yams recurses into what it reads, so depth is bounded
  /// before it sees the text.
  package enum Bounds {
    /// The bytes of a file.
    package static let fileBytes = 1_048_576
    /// How deep nodes may be nested.
    package static let depth = 32
    /// The flow collections (`[` and `{`) of a file, counted without regard to quotes.
    package static let flowCollections = 4_000
    /// The columns of a line before its first text: indentation, and the `-` of lists.
    package static let indentationColumns = 128
    /// What may look like an alias (`*name`) in a file. Real ones are refused later, one by one; a
    /// few cannot multiply into much before that.
    package static let aliases = 16
  }

  /// Reads and parses the file at `path`; nil where that failed, which has been reported then.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - name: what diagnostics call it; the path where nil.
  ///   - bound: the bytes that it may have.
  ///   - diagnostics: where mistakes go.
  /// - Returns: the tree.
  package static func read(
    _ path: String, called name: String? = nil, atMostBytes bound: Int = Bounds.fileBytes,
    _ diagnostics: Diagnostics
  ) -> ConfigurationTree? {
    let name = name ?? path
    do throws(ConfigurationFileProblem) {
      let bytes = try ConfigurationFiles.read(path, maximumBytes: bound)
      diagnostics.note(Digest256.sha256(bytes.rawSpan), of: path)
      return parse(bytes, file: name, atMostBytes: bound, diagnostics)
    } catch {
      diagnostics.report(Diagnostic(file: name, line: nil, message: error.text))
      return nil
    }
  }

  /// Parses YAML; nil where that failed, which has been reported then.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8.
  ///   - file: what diagnostics call the file.
  ///   - bound: the bytes that it may have.
  ///   - diagnostics: where mistakes go.
  /// - Returns: the tree, in which no anchor, alias, tag, merge key or duplicate key is left.
  package static func parse(
    _ bytes: [UInt8], file: String, atMostBytes bound: Int = Bounds.fileBytes,
    _ diagnostics: Diagnostics
  ) -> ConfigurationTree? {
    func fail(_ line: Int?, _ message: String) -> ConfigurationTree? {
      diagnostics.report(Diagnostic(file: file, line: line, message: message))
      return nil
    }
    guard bytes.count <= bound else {
      return fail(nil, "is larger than \(bound) bytes")
    }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      return fail(nil, "is not UTF-8")
    }
    if let excess = excess(in: bytes) { return fail(excess.line, excess.message) }
    // Yams keeps a pointer to the characters, which a string of up to 15 bytes has no lasting one
    // of. Trailing spaces on a line of their own mean nothing.
    if text.utf8.count < 16 { text += "\n" + String(repeating: " ", count: 16) }
    do {
      let parser = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8)
      guard let root = try parser.singleRoot() else { return fail(nil, "is empty") }
      let before = diagnostics.count
      // Nodes refer to their anchors weakly; the parser owns them.
      let tree = withExtendedLifetime(parser) {
        convert(root, file: file, depth: 0, diagnostics)
      }
      return diagnostics.count == before ? tree : nil
    } catch let error as YamlError {
      let (line, message) = explain(error)
      return fail(line, message)
    } catch {
      return fail(nil, "is not YAML")
    }
  }

  private static func convert(
    _ node: Node, file: String, depth: Int, _ diagnostics: Diagnostics
  ) -> ConfigurationTree {
    let position = Position(file: file, line: node.mark?.line ?? 1)
    let nothing = ConfigurationTree(position: position, value: .scalar("", isQuoted: false))
    func refuse(_ message: String, suggestion: String? = nil) -> ConfigurationTree {
      diagnostics.report(message, at: position, suggestion: suggestion)
      return nothing
    }
    guard depth <= Bounds.depth else {
      return refuse("nodes are nested deeper than \(Bounds.depth)")
    }
    guard node.anchor == nil else {
      return refuse("anchors and aliases are not allowed", suggestion: "write the value out")
    }
    guard ["str", "seq", "map"].contains(where: { node.tag.description == yamlTag + $0 }) else {
      return refuse("tags are not allowed", suggestion: "remove \(quoted("!…"))")
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style != .plain
      return ConfigurationTree(
        position: position, value: .scalar(scalar.string, isQuoted: isQuoted))
    case .sequence(let sequence):
      let elements = sequence.map { convert($0, file: file, depth: depth + 1, diagnostics) }
      return ConfigurationTree(position: position, value: .sequence(elements))
    case .mapping(let mapping):
      let members = mapping.compactMap { member(of: $0, file: file, depth: depth, diagnostics) }
      return ConfigurationTree(position: position, value: .mapping(members))
    case .alias:
      return refuse("anchors and aliases are not allowed", suggestion: "write the value out")
    }
  }

  private static func member(
    of pair: Node.Mapping.Element, file: String, depth: Int, _ diagnostics: Diagnostics
  ) -> Member? {
    let key = convert(pair.key, file: file, depth: depth + 1, diagnostics)
    guard case .scalar(let text, let isQuoted) = key.value else {
      diagnostics.report("a key has to be a string, found \(key.kind)", at: key.position)
      return nil
    }
    guard isQuoted || text != "<<" else {
      diagnostics.report(
        "merge keys are not allowed", at: key.position, suggestion: "write the members out")
      return nil
    }
    let tree = convert(pair.value, file: file, depth: depth + 1, diagnostics)
    return Member(key: text, position: key.position, tree: tree)
  }

  private static func explain(_ error: YamlError) -> (line: Int?, message: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let beginning =
        context.map { $0.mark.line == mark.line ? "" : " \($0.text) from line \($0.mark.line)" }
      return (mark.line, "is not YAML: \(problem)\(beginning ?? "")")
    case .reader(let problem, let offset, _, let text):
      let line = offset.map { 1 + text.prefix($0).count { $0.isNewline } }
      return (line, "is not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.map(quoted).joined(separator: ", ")
      return (context.mark.line, "the mapping has more than one \(keys)")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return (nil, "is not YAML")
    }
  }
}

private let yamlTag = "tag:yaml.org,2002:"

/// What in a file goes past the bounds that keep Yams from recursing too deep or multiplying
/// aliases; nil where nothing does. Knows nothing of quotes, so it errs on the strict side.
private func excess(in bytes: [UInt8]) -> (line: Int, message: String)? {
  typealias Bounds = ConfigurationTree.Bounds
  var (line, collections, aliases) = (1, 0, 0)
  var column = 0
  var isBeforeText = true
  var isComment = false
  var previous = UInt8(ascii: "\n")
  for byte in bytes {
    defer { previous = byte }
    switch byte {
    case UInt8(ascii: "\n"):
      (line, column, isBeforeText, isComment) = (line + 1, 0, true, false)
      continue
    case _ where endsOtherLineBreak(byte, after: previous):
      (column, isBeforeText, isComment) = (0, true, false)
      continue
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"), UInt8(ascii: "?"),
      UInt8(ascii: ":"):
      break
    case UInt8(ascii: "#") where isBeforeText:
      isComment = true
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      collections += 1
      isBeforeText = false
    case UInt8(ascii: "*") where !isComment && " \t\r\n,[{:?-".utf8.contains(previous):
      aliases += 1
      isBeforeText = false
    default:
      isBeforeText = false
    }
    column += 1
    if isBeforeText, !isComment, column > Bounds.indentationColumns {
      return (line, "text begins after column \(Bounds.indentationColumns)")
    }
    if collections > Bounds.flowCollections {
      return (line, "has more than \(Bounds.flowCollections) of [ and {: use lines and indentation")
    }
    if aliases > Bounds.aliases { return (line, "anchors and aliases are not allowed") }
  }
  return nil
}

/// Whether a byte may end one of YAML 1.1's other line breaks: CR, U+0085, U+2028, U+2029.
private func endsOtherLineBreak(_ byte: UInt8, after previous: UInt8) -> Bool {
  switch (previous, byte) {
  case (_, 0x0D), (0xC2, 0x85), (0x80, 0xA8), (0x80, 0xA9): true
  default: false
  }
}
