/// One JSON text together with its structure. It borrows the text: no byte of it is copied, so a card
/// number in it stays where the caller keeps it.
package struct JSONDocument: ~Escapable {
  package typealias Node = JSONTape.Node
  package typealias Children = JSONTape.Children

  /// The bytes that were parsed.
  package let text: RawSpan
  let tape: JSONTape

  /// Parses `text`; see ``JSONTape/parse(_:maximumDepth:maximumNodes:)``.
  @_lifetime(copy text)
  package init(
    _ text: RawSpan, maximumDepth: Int = JSONTape.requestDepth,
    maximumNodes: Int = JSONTape.requestNodes
  ) throws(JSONError) {
    tape = try JSONTape.parse(text, maximumDepth: maximumDepth, maximumNodes: maximumNodes)
    self.text = text
  }

  /// Joins a structure that was kept to its text, which must be the very bytes that were parsed.
  @_lifetime(copy text)
  package init(_ text: RawSpan, parsed tape: JSONTape) {
    self.text = text
    self.tape = tape
  }

  /// The value that is the whole text.
  package var root: Node { tape.root }
}

extension JSONDocument {
  /// The members of `object` in the order of the text; nothing for another kind of value.
  package func members(of object: Node) -> Children {
    children(of: object, if: object.kind == .object)
  }

  /// The elements of `array`; nothing for another kind of value.
  package func elements(of array: Node) -> Children {
    children(of: array, if: array.kind == .array)
  }

  private func children(of node: Node, if isKind: Bool) -> Children {
    Children(nodes: tape.nodes, index: Int(node.index) + 1, end: isKind ? Int(node.end) : 0)
  }

  /// The member of `object` whose unescaped name is `name`, or nil. A member that is `null` is
  /// found; see ``presentMember(_:of:)``.
  package func member(_ name: String, of object: Node) -> Node? {
    guard object.kind == .object else { return nil }
    var hash = NameHash()
    for byte in name.utf8 { hash.add(byte) }
    var index = Int(object.index) + 1
    while index < Int(object.end) {
      let node = tape.nodes[index]
      if node.keyHash == hash.value, isKey(of: node, equalTo: name) { return node }
      index = Int(node.end)
    }
    return nil
  }

  /// As ``member(_:of:)``, but a member that is `null` counts as absent.
  package func presentMember(_ name: String, of object: Node) -> Node? {
    guard let node = member(name, of: object), node.kind != .null else { return nil }
    return node
  }
}
