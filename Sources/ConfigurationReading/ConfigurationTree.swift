/// A YAML document as a plain tree in which every node knows its file and line.
///
/// The part of YAML that configurations need: scalars, sequences, and mappings with plain string
/// keys. Anchors, aliases, tags and merge keys are refused when the tree is made, so what a reviewer
/// sees in the file is all there is.
package struct ConfigurationTree: Equatable, Sendable {
  /// A place in a file.
  package struct Position: Equatable, Sendable {
    /// The file, as it is named in diagnostics.
    package let file: String
    /// The line, from 1.
    package let line: Int
  }

  /// What a node holds.
  package indirect enum Value: Equatable, Sendable {
    /// The characters of a scalar. A quoted one is always a string; a plain one is what the reader
    /// expects there.
    case scalar(String, isQuoted: Bool)
    /// The elements in their order.
    case sequence([ConfigurationTree])
    /// The members in their order; no key occurs twice.
    case mapping([Member])
  }

  /// A key and its value.
  package struct Member: Equatable, Sendable {
    /// The key.
    package let key: String
    /// The key's place in the file.
    package let position: Position
    /// Its value.
    package let tree: ConfigurationTree
  }

  /// Where the node begins.
  package let position: Position
  /// The node's scalar, list or mapping.
  package let value: Value

  /// Whether this is YAML's null: nothing, `~` or `null`, not quoted.
  package var isNull: Bool {
    guard case .scalar(let text, isQuoted: false) = value else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// What a reader calls this kind of node in a message.
  package var kind: String {
    switch value {
    case _ where isNull: "nothing"
    case .scalar(let text, let isQuoted): isQuoted ? "a string" : "the value \(quoted(text))"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// Text of a configuration in quotation marks, on one line and of bounded length, for a message.
package func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars.prefix(64) {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      result += "\u{FFFD}"
    default:
      result.unicodeScalars.append(scalar)
    }
  }
  return result + (text.unicodeScalars.count > 64 ? "…\"" : "\"")
}
