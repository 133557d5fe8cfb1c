import Bytes

extension JSONDocument {
  /// Feeds a form of the value to `sink` that is the same for the same request in another spelling.
  ///
  /// Members are sorted by the bytes of their unescaped names; a member that is `null` is left out,
  /// at every depth; strings escape `"`, `\` and control characters (as `\u00xx`) and nothing else;
  /// a number that is whole and fits stands as its digits, any other as it was written; there is no
  /// white space. The form is itself JSON.
  ///
  /// The pieces are lent one after the other and never joined, so that the value can go to a keyed
  /// digest without a copy of it being made.
  /// - Parameters:
  ///   - omitted: unescaped names of members of the top object that are left out, because the
  ///     caller feeds a substitute for them or because nothing may depend on them.
  ///   - sink: takes each piece; a piece is never empty.
  package func canonicalize(
    omitting omitted: [String] = [], into sink: (RawSpan) -> Void
  ) {
    canonicalize(root, omitting: omitted, into: sink)
  }

  private func canonicalize(
    _ node: Node, omitting omitted: [String], into sink: (RawSpan) -> Void
  ) {
    switch node.kind {
    case .object:
      canonicalizeObject(node, omitting: omitted, into: sink)
    case .array:
      feed("[", into: sink)
      var isFirst = true
      for element in elements(of: node) {
        if !isFirst { feed(",", into: sink) }
        isFirst = false
        canonicalize(element, omitting: [], into: sink)
      }
      feed("]", into: sink)
    case .string:
      canonicalizeString(node.content, hasEscapes: node.hasEscapes, into: sink)
    case .number: canonicalizeNumber(node, into: sink)
    case .true, .false, .null: sink(text.extracting(node.content))
    }
  }

  private func canonicalizeNumber(_ number: Node, into sink: (RawSpan) -> Void) {
    // Nearly every number is written as its digits.
    guard !number.content.allSatisfy({ isDigit(text.byte($0)) }), let value = integer(of: number)
    else { return sink(text.extracting(number.content)) }
    if value < 0 { feed("-", into: sink) }
    // Digit by digit, since it may be a card number in a place where none belongs.
    var divisor: UInt64 = 1
    while value.magnitude / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      feed(Character8.zero + UInt8(value.magnitude / divisor % 10), into: sink)
      divisor /= 10
    }
  }

  private func canonicalizeObject(
    _ object: Node, omitting omitted: [String], into sink: (RawSpan) -> Void
  ) {
    var sorted: [Node] = []
    for member in members(of: object) where member.kind != .null {
      if omitted.contains(where: { isKey(of: member, equalTo: $0) }) { continue }
      // Insertion, since a closure for `sort` could not borrow the text; requests are small.
      var position = sorted.count
      while position > 0, Unescaper.compare(member.key, sorted[position - 1].key, in: text) < 0 {
        position -= 1
      }
      sorted.insert(member, at: position)
    }
    feed("{", into: sink)
    var isFirst = true
    for member in sorted {
      if !isFirst { feed(",", into: sink) }
      isFirst = false
      canonicalizeString(member.key, hasEscapes: member.keyHasEscapes, into: sink)
      feed(":", into: sink)
      canonicalize(member, omitting: [], into: sink)
    }
    feed("}", into: sink)
  }

  private func canonicalizeString(
    _ content: Range<Int>, hasEscapes: Bool, into sink: (RawSpan) -> Void
  ) {
    if !hasEscapes {
      // What needs no escape was written without one, so this spelling is the canonical one.
      return sink(text.extracting(content.lowerBound - 1..<content.upperBound + 1))
    }
    feed("\"", into: sink)
    var bytes = Unescaper(content)
    while let byte = bytes.next(in: text) {
      if byte == Character8.quote || byte == Character8.backslash {
        feed("\\", into: sink)
      } else if byte < 0x20 {
        feed(byte < 0x10 ? "\\u000" : "\\u001", into: sink)
        feed(lowerHexadecimalDigit(byte & 0x0F), into: sink)
        continue
      }
      feed(byte, into: sink)
    }
    feed("\"", into: sink)
  }

  private func feed(_ literal: String, into sink: (RawSpan) -> Void) {
    sink(literal.utf8Span.span.rawSpan)
  }

  private func feed(_ byte: UInt8, into sink: (RawSpan) -> Void) {
    // Not in guarded memory: one byte of an escaped string, on the stack.
    let one: InlineArray<1, UInt8> = [byte]
    sink(one.span.rawSpan)
  }
}

/// The ASCII digit of `value`, 0 to 15.
func lowerHexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? Character8.zero + value : UInt8(ascii: "a") + value - 10
}
