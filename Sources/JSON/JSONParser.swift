import Bytes

/// Recursive descent over RFC 8259; the recursion is bounded by the allowed nesting.
struct JSONParser: ~Escapable {
  private let text: RawSpan
  private let maximumNodes: Int
  private var offset = 0
  private(set) var nodes: ContiguousArray<JSONTape.Node> = []

  /// A member's name as it stands in the text.
  private struct Key {
    var start = 0
    var end = 0
    var hasEscapes = false
    var hash: UInt32 = 0
  }

  @_lifetime(copy text)
  init(_ text: RawSpan, maximumNodes: Int) {
    self.text = text
    self.maximumNodes = maximumNodes
    nodes.reserveCapacity(Swift.min(maximumNodes, 32))
  }

  /// Parses the whole text into ``nodes``.
  @_lifetime(self: copy self)
  mutating func parseDocument(maximumDepth: Int) throws(JSONError) {
    skipWhiteSpace()
    try parseValue(key: Key(), depthLeft: maximumDepth)
    skipWhiteSpace()
    guard offset == text.byteCount else { throw .trailingBytes(offset: offset) }
  }

  @_lifetime(self: copy self)
  private mutating func parseValue(key: Key, depthLeft: Int) throws(JSONError) {
    switch peek() {
    case Character8.quote:
      let string = try parseString()
      try append(
        .string, key, content: string.start..<string.end, hasEscapes: string.hasEscapes)
    case Character8.openBrace:
      try parseObject(key: key, depthLeft: depthLeft)
    case Character8.openBracket:
      try parseArray(key: key, depthLeft: depthLeft)
    case .some(Character8.minus), .some(Character8.zero...Character8.nine):
      let start = offset
      try parseNumber()
      try append(.number, key, content: start..<offset)
    case UInt8(ascii: "t"): try parseLiteral("true", .true, key)
    case UInt8(ascii: "f"): try parseLiteral("false", .false, key)
    case UInt8(ascii: "n"): try parseLiteral("null", .null, key)
    default: throw .malformed(offset: offset)
    }
  }

  @_lifetime(self: copy self)
  private mutating func parseObject(key: Key, depthLeft: Int) throws(JSONError) {
    guard depthLeft > 0 else { throw .tooDeep(offset: offset) }
    let index = nodes.count
    try append(.object, key, content: offset..<offset)
    offset += 1
    skipWhiteSpace()
    if peek() == Character8.closeBrace { return close(index) }
    while true {
      guard peek() == Character8.quote else { throw .malformed(offset: offset) }
      let name = try parseKey(inObjectAt: index)
      skipWhiteSpace()
      guard peek() == Character8.colon else { throw .malformed(offset: offset) }
      offset += 1
      skipWhiteSpace()
      try parseValue(key: name, depthLeft: depthLeft - 1)
      if try isLast(closing: Character8.closeBrace) { return close(index) }
    }
  }

  @_lifetime(self: copy self)
  private mutating func parseArray(key: Key, depthLeft: Int) throws(JSONError) {
    guard depthLeft > 0 else { throw .tooDeep(offset: offset) }
    let index = nodes.count
    try append(.array, key, content: offset..<offset)
    offset += 1
    skipWhiteSpace()
    if peek() == Character8.closeBracket { return close(index) }
    while true {
      try parseValue(key: Key(), depthLeft: depthLeft - 1)
      if try isLast(closing: Character8.closeBracket) { return close(index) }
    }
  }

  /// Reads what follows an element: true at `closing`, false after a comma and its white space.
  @_lifetime(self: copy self)
  private mutating func isLast(closing: UInt8) throws(JSONError) -> Bool {
    skipWhiteSpace()
    let next = peek()
    if next == closing { return true }
    guard next == Character8.comma else { throw .malformed(offset: offset) }
    offset += 1
    skipWhiteSpace()
    return false
  }

  /// Steps over the closing bracket of the container at `index`, which ends here.
  @_lifetime(self: copy self)
  private mutating func close(_ index: Int) {
    offset += 1
    nodes[index].contentEnd = UInt32(offset)
    nodes[index].end = UInt32(nodes.count)
  }

  @_lifetime(self: copy self)
  private mutating func append(
    _ kind: JSONTape.Kind, _ key: Key, content: Range<Int>, hasEscapes: Bool = false
  ) throws(JSONError) {
    guard nodes.count < maximumNodes else { throw .tooManyNodes(offset: content.lowerBound) }
    nodes.append(
      JSONTape.Node(
        kind: kind, hasEscapes: hasEscapes, keyHasEscapes: key.hasEscapes,
        index: UInt32(nodes.count), end: UInt32(nodes.count + 1),
        keyStart: UInt32(key.start), keyEnd: UInt32(key.end), keyHash: key.hash,
        contentStart: UInt32(content.lowerBound), contentEnd: UInt32(content.upperBound)))
  }
}

// MARK: - Names and scalars

extension JSONParser {
  /// Reads a member's name and refuses one that the object at `index` already has.
  @_lifetime(self: copy self)
  private mutating func parseKey(inObjectAt index: Int) throws(JSONError) -> Key {
    let string = try parseString()
    var key = Key(start: string.start, end: string.end, hasEscapes: string.hasEscapes)
    var bytes = Unescaper(key.start..<key.end)
    var hash = NameHash()
    while let byte = bytes.next(in: text) { hash.add(byte) }
    key.hash = hash.value
    var sibling = index + 1
    while sibling < nodes.count {
      let node = nodes[sibling]
      if node.keyHash == key.hash,
        Unescaper.areEqual(node.key, key.start..<key.end, in: text)
      {
        throw .duplicateMember(offset: key.start)
      }
      sibling = Int(node.end)
    }
    return key
  }

  /// Reads a string whose opening quote is next, and leaves its content's range.
  @_lifetime(self: copy self)
  private mutating func parseString() throws(JSONError) -> (
    start: Int, end: Int, hasEscapes: Bool
  ) {
    offset += 1
    let start = offset
    var hasEscapes = false
    while offset < text.byteCount {
      let byte = text.byte(offset)
      if byte == Character8.quote {
        offset += 1
        return (start, offset - 1, hasEscapes)
      } else if byte == Character8.backslash {
        hasEscapes = true
        try parseEscape()
      } else if byte < 0x20 {
        throw .malformed(offset: offset)
      } else if byte < 0x80 {
        offset += 1
      } else {
        guard let length = text.scalarLength(at: offset) else {
          throw .malformed(offset: offset)
        }
        offset += length
      }
    }
    throw .malformed(offset: offset)
  }

  /// Reads one escape, or the two that make a surrogate pair.
  @_lifetime(self: copy self)
  private mutating func parseEscape() throws(JSONError) {
    let start = offset
    offset += 1
    switch peek() {
    case Character8.quote, Character8.backslash, Character8.slash, UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset += 1
    case Character8.lowerU:
      offset += 1
      let unit = try parseCodeUnit()
      guard unit & 0xF800 == 0xD800 else { return }
      guard unit < 0xDC00, peek() == Character8.backslash else { throw .malformed(offset: start) }
      offset += 1
      guard peek() == Character8.lowerU else { throw .malformed(offset: start) }
      offset += 1
      guard try parseCodeUnit() & 0xFC00 == 0xDC00 else { throw .malformed(offset: start) }
    default:
      throw .malformed(offset: start)
    }
  }

  /// Reads four hexadecimal digits.
  @_lifetime(self: copy self)
  private mutating func parseCodeUnit() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let next = peek(), let digit = hexadecimalValue(next) else {
        throw .malformed(offset: offset)
      }
      unit = unit << 4 | UInt32(digit)
      offset += 1
    }
    return unit
  }

  /// Reads `-`? integer fraction? exponent?.
  @_lifetime(self: copy self)
  private mutating func parseNumber() throws(JSONError) {
    if peek() == Character8.minus { offset += 1 }
    if peek() == Character8.zero { offset += 1 } else { try parseDigits() }
    if peek() == Character8.point {
      offset += 1
      try parseDigits()
    }
    guard let next = peek(), next | 0x20 == Character8.lowerE else { return }
    offset += 1
    if let sign = peek(), sign == Character8.plus || sign == Character8.minus { offset += 1 }
    try parseDigits()
  }

  /// Reads one decimal digit or more.
  @_lifetime(self: copy self)
  private mutating func parseDigits() throws(JSONError) {
    let start = offset
    while let byte = peek(), byte >= Character8.zero, byte <= Character8.nine { offset += 1 }
    guard offset > start else { throw .malformed(offset: offset) }
  }

  @_lifetime(self: copy self)
  private mutating func parseLiteral(
    _ literal: StaticString, _ kind: JSONTape.Kind, _ key: Key
  ) throws(JSONError) {
    let start = offset
    for index in 0..<literal.utf8CodeUnitCount {
      let expected = unsafe literal.utf8Start[index]
      guard peek() == expected else { throw .malformed(offset: offset) }
      offset += 1
    }
    try append(kind, key, content: start..<offset)
  }

  @_lifetime(self: copy self)
  private mutating func skipWhiteSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  /// The next byte, or nil at the end.
  @inline(__always)
  private func peek() -> UInt8? {
    offset < text.byteCount ? text.byte(offset) : nil
  }
}

extension RawSpan {
  /// How many bytes the well-formed UTF-8 sequence at `offset` has (2 to 4), or nil where there is
  /// none. The first byte is known not to be ASCII.
  ///
  /// - Source: The Unicode Standard, table 3-7.
  fileprivate func scalarLength(at offset: Int) -> Int? {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch byte(offset) {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return nil
    }
    guard byteCount - offset >= length, second.contains(byte(offset + 1)) else { return nil }
    for index in 2..<Swift.max(length, 2) where byte(offset + index) & 0xC0 != 0x80 { return nil }
    return length
  }
}
