import Bytes

/// Writes one JSON value as UTF-8, for what is not secret.
///
/// Commas and colons follow from the order of the calls. The caller balances what it opens and
/// names each member of an object; a mistake in that is a precondition failure or shows as text
/// that no reader accepts, never as a value in the wrong place.
///
/// ```swift
/// var json = JSONWriter()
/// json.beginObject()
/// json.member("token", string: token)
/// json.member("preferred_brand", string: nil)  // null
/// json.endObject()
/// ```
package struct JSONWriter: Sendable {
  /// The text so far.
  package private(set) var bytes: [UInt8] = []
  /// Whether the next value or name follows another one at its level.
  private var needsComma = false
  private var depth = 0

  /// - Parameter capacity: how many bytes to reserve.
  package init(reserving capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  /// Opens an object.
  package mutating func beginObject() { open(Character8.openBrace) }

  /// Closes the object that was opened last.
  package mutating func endObject() { close(Character8.closeBrace) }

  /// Opens an array.
  package mutating func beginArray() { open(Character8.openBracket) }

  /// Closes the array that was opened last.
  package mutating func endArray() { close(Character8.closeBracket) }

  /// Writes a member's name; its value comes next.
  package mutating func name(_ name: JSONName) {
    switch name.content {
    case .literal(let text):
      // Most of what is written are names, so each is appended in one go.
      bytes.append(addingCapacity: text.utf8CodeUnitCount + 4) { span in
        if needsComma { span.append(Character8.comma) }
        span.append(Character8.quote)
        for index in 0..<text.utf8CodeUnitCount { span.append(unsafe text.utf8Start[index]) }
        span.append(Character8.quote)
        span.append(Character8.colon)
      }
    case .text(let text):
      string(text)
      bytes.append(Character8.colon)
    }
    needsComma = false
  }

  /// Writes a string; `"`, `\` and control characters are escaped, everything else stands as it is.
  package mutating func string(_ value: String) {
    separate()
    bytes.append(Character8.quote)
    bytes.append(escaping: value.utf8Span.span, .named)
    bytes.append(Character8.quote)
  }

  /// Writes an integer.
  package mutating func integer(_ value: some BinaryInteger) {
    integer(magnitude: UInt64(value.magnitude), isNegative: value < 0)
  }

  /// Writes an integer. Apart from the generic form, which costs 2,000 instructions where another
  /// module calls it.
  package mutating func integer(_ value: Int) {
    integer(magnitude: UInt64(value.magnitude), isNegative: value < 0)
  }

  private mutating func integer(magnitude: UInt64, isNegative: Bool) {
    separate()
    if isNegative { bytes.append(Character8.minus) }
    bytes.append(decimal: magnitude)
  }

  /// Writes `true` or `false`.
  package mutating func boolean(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// Writes `null`.
  package mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  /// Writes an RFC 3339 time as a string; see ``RFC3339``.
  package mutating func time(
    unixMilliseconds: Int64, precision: RFC3339.Precision = .seconds
  ) {
    separate()
    bytes.append(Character8.quote)
    RFC3339.append(unixMilliseconds: unixMilliseconds, precision: precision, to: &bytes)
    bytes.append(Character8.quote)
  }

  /// Writes bytes that are one complete JSON value already.
  package mutating func rawValue(_ json: [UInt8]) {
    separate()
    bytes.append(contentsOf: json)
  }

  /// Ends a line between complete values, for JSON Lines.
  package mutating func endLine() {
    precondition(depth == 0, "a line ends between values")
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }
}

extension JSONWriter {
  /// Writes a member that is a string, or `null` for nil.
  package mutating func member(_ name: JSONName, string value: String?) {
    self.name(name)
    if let value { string(value) } else { null() }
  }

  /// Writes a member that is an integer, or `null` for nil.
  package mutating func member(_ name: JSONName, integer value: (some BinaryInteger)?) {
    self.name(name)
    if let value { integer(value) } else { null() }
  }

  /// Writes a member that is an integer, or `null` for nil.
  package mutating func member(_ name: JSONName, integer value: Int?) {
    self.name(name)
    if let value { integer(value) } else { null() }
  }

  /// Writes a member that is `true` or `false`, or `null` for nil.
  package mutating func member(_ name: JSONName, boolean value: Bool?) {
    self.name(name)
    if let value { boolean(value) } else { null() }
  }

  /// Writes a member that is an array of strings.
  package mutating func member(_ name: JSONName, strings values: [String]) {
    self.name(name)
    beginArray()
    for value in values { string(value) }
    endArray()
  }

  /// Writes a member that is an RFC 3339 time.
  package mutating func member(
    _ name: JSONName, unixMilliseconds: Int64, precision: RFC3339.Precision = .seconds
  ) {
    self.name(name)
    time(unixMilliseconds: unixMilliseconds, precision: precision)
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    depth += 1
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    precondition(depth > 0, "what is closed was opened")
    bytes.append(bracket)
    depth -= 1
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(Character8.comma) }
    needsComma = true
  }
}

/// A member's name. A literal is written as it stands, so it holds nothing that JSON escapes.
package struct JSONName: ExpressibleByStringLiteral, Sendable {
  fileprivate enum Content: Sendable {
    case literal(StaticString)
    case text(String)
  }

  fileprivate let content: Content

  package init(stringLiteral text: StaticString) { content = .literal(text) }

  /// A name that is known at run time only; it is escaped as it needs.
  package init(_ text: String) { content = .text(text) }
}
