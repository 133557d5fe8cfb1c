/// The structure of one JSON text: where each value begins and ends, and nothing of what it says,
/// which is for ``JSONDocument``.
///
/// The reader is strict (RFC 8259): valid UTF-8 without a byte order mark, no lone surrogates, no
/// control characters in strings, no duplicate member names, nothing after the value.
package struct JSONTape: Sendable {
  /// The longest text that can be parsed, in bytes.
  package static let longestText = 1 << 24
  /// How deep values nest in a request: a top object is 1, an object in it is 2.
  package static let requestDepth = 4
  /// How many values a request may hold, the top one counted.
  package static let requestNodes = 512
  /// The deepest nesting that a caller may ask for; it bounds the parser's recursion.
  package static let deepestNesting = 64

  /// Values in the order in which they begin; a container is followed by its content.
  let nodes: ContiguousArray<Node>

  /// The value that is the whole text.
  package var root: Node { nodes[0] }

  /// Parses `text`, which must be exactly one JSON value with optional white space around it.
  ///
  /// - Parameters:
  ///   - text: UTF-8, at most ``longestText`` bytes.
  ///   - maximumDepth: how deep objects and arrays may nest, 0 to ``deepestNesting``.
  ///   - maximumNodes: how many values the text may hold.
  /// - Returns: the structure of the text.
  /// - Throws: ``JSONError``; the text is refused as a whole.
  /// - Source: RFC 8259.
  package static func parse(
    _ text: RawSpan, maximumDepth: Int = requestDepth, maximumNodes: Int = requestNodes
  ) throws(JSONError) -> JSONTape {
    precondition((0...deepestNesting).contains(maximumDepth), "nesting is bounded")
    guard text.byteCount <= longestText else { throw .tooLong }
    var parser = JSONParser(text, maximumNodes: maximumNodes)
    try parser.parseDocument(maximumDepth: maximumDepth)
    return JSONTape(nodes: parser.nodes)
  }
}

extension JSONTape {
  /// What a value is.
  package enum Kind: UInt8, Sendable {
    case object, array, string, number, `true`, `false`, null
  }

  /// One value: its kind and where it stands in the text.
  package struct Node: Sendable {
    /// What the value is.
    package let kind: Kind
    /// Whether a string holds at least one backslash escape.
    package let hasEscapes: Bool
    let keyHasEscapes: Bool
    let index: UInt32
    /// The index after this value and everything in it: that of its next sibling, if it has one.
    var end: UInt32
    let keyStart: UInt32
    let keyEnd: UInt32
    /// A hash of the unescaped name, so that most unequal names are told apart without reading.
    let keyHash: UInt32
    let contentStart: UInt32
    var contentEnd: UInt32

    /// Where the value's bytes stand: a string without its quotes and as it is written, a
    /// container with its brackets.
    package var content: Range<Int> { Int(contentStart)..<Int(contentEnd) }
    /// Where the member's name stands, without its quotes and as it is written; empty for what is
    /// not a member of an object.
    package var key: Range<Int> { Int(keyStart)..<Int(keyEnd) }
  }

  /// The values directly inside an object or array, in the order of the text.
  package struct Children: Sequence, IteratorProtocol, Sendable {
    let nodes: ContiguousArray<Node>
    var index: Int
    let end: Int

    /// The next value, or nil after the last.
    package mutating func next() -> Node? {
      guard index < end else { return nil }
      let node = nodes[index]
      index = Int(node.end)
      return node
    }
  }
}
