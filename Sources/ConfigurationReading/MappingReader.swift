/// Reads the members of one mapping and, at the end, reports those that nobody asked for.
///
/// Each accessor notes the key that it was asked for, reports what is wrong with the value (a wrong
/// type, a missing required key), and returns nil then, so that reading goes on. A member whose
/// value is null counts as absent. `finish()` must be called once every known key has been asked
/// for: it reports the unknown ones, with the closest known key as a suggestion.
package final class MappingReader {
  /// Where the mapping begins.
  package let position: ConfigurationTree.Position
  /// What the mapping is called in messages, such as `merchants.shop`; empty for the whole file.
  package let name: String
  /// The list that mistakes are added to.
  package let diagnostics: Diagnostics
  private let members: [ConfigurationTree.Member]
  private var known: [String] = []

  /// Makes a reader, or reports that `tree` is not a mapping.
  package init?(_ tree: ConfigurationTree, name: String, _ diagnostics: Diagnostics) {
    guard case .mapping(let members) = tree.value else {
      let what = name.isEmpty ? "a mapping" : "a mapping for \(quoted(name))"
      diagnostics.report("expected \(what), found \(tree.kind)", at: tree.position)
      return nil
    }
    position = tree.position
    self.name = name
    self.diagnostics = diagnostics
    self.members = members
  }

  /// The name of a member in messages: `merchants.shop.number`.
  package func path(_ key: String) -> String {
    name.isEmpty ? key : "\(name).\(key)"
  }

  /// The members in their order, for a mapping whose keys are names; each counts as asked for.
  package var named: [ConfigurationTree.Member] {
    known += members.map(\.key)
    return members
  }

  /// The position of a key, or of the mapping where the key is absent.
  package func position(of key: String) -> ConfigurationTree.Position {
    members.first { $0.key == key }?.position ?? position
  }

  /// Whether a key stands there with a value. Counts as asking for it.
  package func has(_ key: String) -> Bool {
    tree(key) != nil
  }

  /// Whether a key stands there without a value.
  package func isNull(_ key: String) -> Bool {
    members.contains { $0.key == key && $0.tree.isNull }
  }

  /// The value of a key; nil where it is absent or null.
  package func tree(_ key: String) -> ConfigurationTree? {
    known.append(key)
    guard let tree = members.first(where: { $0.key == key })?.tree, !tree.isNull else {
      return nil
    }
    return tree
  }

  /// The value of a key that has to be there; reports its absence.
  package func requiredTree(_ key: String) -> ConfigurationTree? {
    if let tree = tree(key) { return tree }
    diagnostics.report("\(quoted(path(key))) is missing", at: position(of: key))
    return nil
  }

  /// A reader of the mapping under a key; nil where it is absent or not a mapping (reported).
  package func mapping(_ key: String) -> MappingReader? {
    tree(key).flatMap { MappingReader($0, name: path(key), diagnostics) }
  }

  /// A reader of the mapping under a key that has to be there.
  package func requiredMapping(_ key: String) -> MappingReader? {
    requiredTree(key).flatMap { MappingReader($0, name: path(key), diagnostics) }
  }

  /// The string under a key. A plain scalar that looks like a number or a boolean is none.
  package func string(_ key: String) -> String? {
    tree(key).flatMap { string($0, path(key)) }
  }

  /// The string under a key that has to be there.
  package func requiredString(_ key: String) -> String? {
    requiredTree(key).flatMap { string($0, path(key)) }
  }

  /// The boolean under a key: `true` or `false`.
  package func boolean(_ key: String) -> Bool? {
    guard let tree = tree(key) else { return nil }
    if let value = tree.boolean { return value }
    diagnostics.report(
      "\(quoted(path(key))) expects true or false, found \(tree.kind)", at: tree.position)
    return nil
  }

  /// The whole number under a key, within `bounds`.
  package func integer(_ key: String, in bounds: ClosedRange<Int>) -> Int? {
    guard let tree = tree(key) else { return nil }
    if let value = tree.integer, bounds.contains(value) { return value }
    diagnostics.report(
      "\(quoted(path(key))) expects a whole number from \(bounds.lowerBound) to "
        + "\(bounds.upperBound), found \(tree.kind)", at: tree.position)
    return nil
  }

  /// The strings of the list under a key with their positions; nil where it is absent or not a
  /// list (reported). Elements that are not strings are reported and left out.
  package func strings(_ key: String) -> [(text: String, position: ConfigurationTree.Position)]? {
    guard let tree = tree(key) else { return nil }
    guard case .sequence(let elements) = tree.value else {
      diagnostics.report(
        "\(quoted(path(key))) expects a list, found \(tree.kind)", at: tree.position)
      return nil
    }
    return elements.compactMap { element in
      string(element, path(key)).map { ($0, element.position) }
    }
  }

  /// Reports every key that was not asked for.
  package func finish() {
    for member in members where !known.contains(member.key) {
      diagnostics.report(
        "unknown key \(quoted(path(member.key)))", at: member.position,
        suggestion: closest(to: member.key, among: known).map { "did you mean \(quoted($0))?" })
    }
  }

  /// The text of a node that has to be a string.
  package func string(_ tree: ConfigurationTree, _ path: String) -> String? {
    switch tree.value {
    case .scalar(_, isQuoted: false) where tree.isNull: break
    case .scalar(let text, isQuoted: false) where tree.looksLikeNumberOrBoolean:
      diagnostics.report(
        "\(quoted(path)) expects a string, found \(tree.kind)", at: tree.position,
        suggestion: "write \(quoted(text)) in quotation marks")
      return nil
    case .scalar(let text, _): return text
    case .sequence, .mapping: break
    }
    diagnostics.report("\(quoted(path)) expects a string, found \(tree.kind)", at: tree.position)
    return nil
  }
}

extension ConfigurationTree {
  /// The boolean of a plain scalar: `true` or `false`, as in YAML's core schema.
  package var boolean: Bool? {
    guard case .scalar(let text, isQuoted: false) = value else { return nil }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: return nil
    }
  }

  /// The whole number of a plain scalar: decimal digits with an optional sign, no leading zero.
  package var integer: Int? {
    guard case .scalar(let text, isQuoted: false) = value, let number = Int(text),
      String(number) == text
    else { return nil }
    return number
  }

  /// Whether another YAML reader would make something else than a string of this plain scalar.
  package var looksLikeNumberOrBoolean: Bool {
    guard case .scalar(let text, isQuoted: false) = value else { return false }
    if boolean != nil { return true }
    return text.utf8.first.map { Character(Unicode.Scalar($0)).isNumber || "+-.".utf8.contains($0) }
      == true && Double(text) != nil
  }
}
