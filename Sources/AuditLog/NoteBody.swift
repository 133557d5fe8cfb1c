internal import JSON

/// Reads the text of a note that consists of a title line and lines `NAME VALUE` in a fixed order.
package struct NoteBody: Sendable {
  private var lines: ArraySlice<Substring.UTF8View>

  /// Begins after the title.
  /// - Throws: ``AuditError/malformedNote(_:)`` where `text` has another title, or no end of line.
  package init(_ text: String, title: String) throws(AuditError) {
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.first?.elementsEqual(title.utf8) == true, lines.last?.isEmpty == true else {
      throw .malformedNote("it is no \(title)")
    }
    self.lines = lines.dropFirst().dropLast()
  }

  /// The value of the next line, which has to have this name.
  /// - Throws: ``AuditError/malformedNote(_:)`` where another line comes, or none.
  package mutating func value(_ name: String) throws(AuditError) -> String {
    guard let value = optionalValue(name) else {
      throw .malformedNote("a line \"\(name)\" is missing or in another place")
    }
    return value
  }

  /// The value of the next line, where it has this name.
  package mutating func optionalValue(_ name: String) -> String? {
    let start = Array((name + " ").utf8)
    guard let line = lines.first, line.starts(with: start),
      let value = String(line.dropFirst(start.count))
    else { return nil }
    lines.removeFirst()
    return value
  }

  /// The value of the next line as `read` understands it.
  /// - Throws: ``AuditError/malformedNote(_:)`` also where `read` gives nil.
  package mutating func value<Value>(
    _ name: String, _ read: (String) -> Value?
  ) throws(AuditError) -> Value {
    guard let value = read(try value(name)) else {
      throw .malformedNote("the value of \"\(name)\" does not have its form")
    }
    return value
  }

  /// The values of the next lines as long as they have this name.
  package mutating func values<Value>(
    _ name: String, _ read: (String) -> Value?
  ) throws(AuditError) -> [Value] {
    var values: [Value] = []
    while let text = optionalValue(name) {
      guard let value = read(text) else {
        throw .malformedNote("a value of \"\(name)\" does not have its form")
      }
      values.append(value)
    }
    return values
  }

  /// - Throws: ``AuditError/malformedNote(_:)`` where lines are left.
  package func end() throws(AuditError) {
    guard lines.isEmpty else { throw .malformedNote("it has a line too many") }
  }

  /// A line as it is written. Control characters of `value`, which could begin a line, become `?`.
  package static func line(_ name: String, _ value: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in value.unicodeScalars {
      scalars.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return "\(name) \(String(scalars))\n"
  }

  /// A line that says a time, to the millisecond.
  package static func line(_ name: String, unixMilliseconds: UInt64) -> String {
    line(
      name,
      RFC3339.string(
        unixMilliseconds: Int64(clamping: unixMilliseconds), precision: .milliseconds))
  }

  /// The time that such a line says; nil where it is before 1970 or has another form.
  package static func time(_ text: String) -> UInt64? {
    RFC3339.unixMilliseconds(text).flatMap { UInt64(exactly: $0) }
  }
}
