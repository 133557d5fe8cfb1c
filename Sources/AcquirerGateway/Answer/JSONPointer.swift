package import JSON

/// A place in a JSON text (RFC 6901).
package struct JSONPointer: Equatable, Sendable {
  private let names: [String]

  /// - Returns: nil for what is not a pointer to something inside the text.
  package init?(_ text: String) {
    guard text.hasPrefix("/") else { return nil }
    var names: [String] = []
    for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      // A tilde means itself as ~0 and a slash as ~1; nothing else may follow one.
      let pieces = part.split(separator: "~", omittingEmptySubsequences: false)
      guard pieces.dropFirst().allSatisfy({ $0.hasPrefix("0") || $0.hasPrefix("1") }) else {
        return nil
      }
      names.append(String(part.replacing("~1", with: "/").replacing("~0", with: "~")))
    }
    self.names = names
  }

  /// The value at this place; nil where there is none, or `null`.
  package func find(in document: JSONDocument) -> JSONDocument.Node? {
    var node = document.root
    for name in names {
      let next: JSONDocument.Node? =
        switch node.kind {
        case .object: document.member(name, of: node)
        case .array: element(name, of: node, in: document)
        case .string, .number, .true, .false, .null: nil
        }
      guard let next else { return nil }
      node = next
    }
    return node.kind == .null ? nil : node
  }

  private func element(_ name: String, of array: JSONDocument.Node, in document: JSONDocument)
    -> JSONDocument.Node?
  {
    guard let index = Int(name), index >= 0, String(index) == name else { return nil }
    var position = 0
    for element in document.elements(of: array) {
      if position == index { return element }
      position += 1
    }
    return nil
  }
}
