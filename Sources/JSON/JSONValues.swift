import Bytes

extension JSONDocument {
  /// The unescaped text of a string, for what is not secret; nil for another kind of value.
  ///
  /// Never for a card number or a security code: a `String` is not erased. Those are read with
  /// ``forEachByte(of:_:)``.
  package func string(of node: Node) -> String? {
    guard node.kind == .string else { return nil }
    return decode(node.content, hasEscapes: node.hasEscapes)
  }

  /// The unescaped name of a member.
  package func key(of node: Node) -> String {
    decode(node.key, hasEscapes: node.keyHasEscapes)
  }

  /// The bytes of a string as they stand in the text, or nil for a string with escapes and for
  /// another kind of value.
  @_lifetime(copy self)
  package func plainBytes(of node: Node) -> RawSpan? {
    guard node.kind == .string, !node.hasEscapes else { return nil }
    return text.extracting(node.content)
  }

  /// Gives each unescaped UTF-8 byte of a string to `body` and keeps none. Nothing is given for
  /// another kind of value.
  package func forEachByte<Failure: Error>(
    of node: Node, _ body: (UInt8) throws(Failure) -> Void
  ) throws(Failure) {
    guard node.kind == .string else { return }
    var bytes = Unescaper(node.content)
    while let byte = bytes.next(in: text) { try body(byte) }
  }

  /// Gives each unescaped UTF-8 byte of a member's name to `body` and keeps none.
  package func forEachByte<Failure: Error>(
    ofNameOf node: Node, _ body: (UInt8) throws(Failure) -> Void
  ) throws(Failure) {
    var bytes = Unescaper(node.key)
    while let byte = bytes.next(in: text) { try body(byte) }
  }

  /// The value of a number that is whole and fits in 63 bits, however it is written (`12`, `12.0`,
  /// `1.2e1`, `120e-1`), or nil: the value counts, not the writing.
  package func integer(of node: Node) -> Int64? { integer(of: node, times10ToThe: 0) }

  /// The same of a number that is multiplied first: with 2, `49.9` is 4990.
  package func integer(of node: Node, times10ToThe power: Int) -> Int64? {
    guard node.kind == .number else { return nil }
    var number = DecimalNumber()
    for offset in node.content { number.take(text.byte(offset)) }
    return number.whole(times10ToThe: power)
  }

  /// The value of `true` or `false`, or nil for another kind of value.
  package func boolean(of node: Node) -> Bool? {
    switch node.kind {
    case .true: true
    case .false: false
    case .object, .array, .string, .number, .null: nil
    }
  }

  /// Whether a value is a string that is `expected` once unescaped.
  package func isString(_ node: Node, equalTo expected: String) -> Bool {
    node.kind == .string
      && isEqual(node.content, hasEscapes: node.hasEscapes, to: expected)
  }

  /// Whether a member's unescaped name is `expected`.
  package func isKey(of node: Node, equalTo expected: String) -> Bool {
    isEqual(node.key, hasEscapes: node.keyHasEscapes, to: expected)
  }

  private func isEqual(
    _ content: Range<Int>, hasEscapes: Bool, to expected: String
  ) -> Bool {
    let expected = expected.utf8Span.span
    if !hasEscapes {
      guard content.count == expected.count else { return false }
      for index in expected.indices
      where text.byte(content.lowerBound + index) != expected[index] { return false }
      return true
    }
    var bytes = Unescaper(content)
    var index = 0
    while let byte = bytes.next(in: text) {
      guard index < expected.count, expected[index] == byte else { return false }
      index += 1
    }
    return index == expected.count
  }

  private func decode(_ content: Range<Int>, hasEscapes: Bool) -> String {
    // The parser has refused what is not UTF-8, so nothing is repaired here.
    if !hasEscapes { return text.extracting(content).text }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(content.count)
    var bytes = Unescaper(content)
    while let byte = bytes.next(in: text) { decoded.append(byte) }
    return String(decoding: decoded, as: UTF8.self)
  }
}
