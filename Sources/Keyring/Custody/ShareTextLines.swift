import Bytes
import RecordFormat

/// The lines of a share's text, by their names.
struct ShareTextLines {
  private var values: [String: [Substring]] = [:]

  /// Takes a text apart.
  ///
  /// - Throws: ``ShareTextProblem`` for what is no text, for lines that no share has and for those that
  ///   occur twice.
  init(_ text: RawSpan) throws(ShareTextProblem) {
    guard text.byteCount <= ShareText.mostBytes else { throw .tooLong }
    let bytes = text.array
    let lines = bytes.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "\n") }
    for (index, line) in lines.enumerated() {
      guard line.allSatisfy({ (0x20...0x7E).contains($0) || Self.isSpace($0) }) else {
        throw .notText(lineNumber: index + 1)
      }
      try take(
        String(decoding: line.map { Self.isSpace($0) ? 0x20 : $0 }, as: UTF8.self),
        number: index + 1)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private mutating func take(_ line: String, number: Int) throws(ShareTextProblem) {
    let words = line.split(separator: " ")
    guard let first = words.first, !first.hasPrefix("#") else { return }
    guard let colon = line.firstIndex(of: ":") else { throw .unknownLine(lineNumber: number) }
    let name = Self.key(line[..<colon])
    guard let known = Self.names.first(where: { Self.key($0) == name }) else {
      throw .unknownLine(lineNumber: number)
    }
    guard values[known] == nil else { throw .repeatedLine(known) }
    values[known] = line[line.index(after: colon)...].split(separator: " ")
  }

  private static let names =
    ShareText.Field.allCases.map(\.rawValue) + (1...ShareText.groupLines).map(ShareText.lineName)

  /// A line's name without spaces, in lower case.
  private static func key(_ name: some StringProtocol) -> String {
    name.lowercased().filter { $0 != " " }
  }

  private func words(_ name: String) throws(ShareTextProblem) -> [Substring] {
    guard let words = values[name] else { throw .missingLine(name) }
    return words
  }

  /// The value of a line of the header in the form in which it is written, its check verified.
  func value(of field: ShareText.Field) throws(ShareTextProblem) -> String {
    let words = try words(field.rawValue)
    guard let check = words.last else { throw .lineForm(field.rawValue) }
    let value = Self.canonical(words.dropLast().joined(separator: " "), field)
    let digits = check.utf8.compactMap(TypedText.digit)
    guard check.utf8.count == digits.count,
      TypedText.text(digits) == TypedText.check(of: "\(field.rawValue): \(value)")
    else { throw .lineCheck(field.rawValue) }
    return value
  }

  /// What was typed, with the case that the field has. Names keep theirs.
  private static func canonical(_ value: String, _ field: ShareText.Field) -> String {
    switch field {
    case .vault, .custodian: value
    case .format, .share: value.lowercased()
    case .created: value.uppercased()
    case .key: withDigits(value).lowercased()
    case .checkValue, .threshold: withDigits(value).uppercased()
    }
  }

  /// Text of hexadecimal digits, which has no letters that look like a digit.
  private static func withDigits(_ value: String) -> String {
    String(
      value.map { character in
        switch character {
        case "O", "o": "0"
        case "I", "i", "L", "l": "1"
        default: character
        }
      })
  }

  /// The groups of `line N`, as they were typed.
  ///
  /// Where there are spaces as on paper, or every group is whole, they tell the groups apart, so that a
  /// missing character is found in its group; otherwise each six characters are one.
  func groups(ofLine line: Int) throws(ShareTextProblem) -> [ArraySlice<UInt8>] {
    let words = try words(ShareText.lineName(line))
      .flatMap { $0.split(separator: "-") }.map { Array($0.utf8)[...] }
    let size = TypedText.groupDigits
    if words.count == ShareText.groupsInLine || words.allSatisfy({ $0.count == size }) {
      return words
    }
    let characters = words.flatMap { $0 }
    return stride(from: 0, to: characters.count, by: size).map {
      characters[$0..<min($0 + size, characters.count)]
    }
  }
}
