/// Reads as much Swift as is needed to say where functions begin and end.
struct SwiftScanner {
  /// A function, an initializer or a deinitializer with a body.
  struct Function: CustomStringConvertible {
    let name: String
    /// The line on which it starts, counted from 1.
    let line: Int
    let length: Int

    var description: String { "\(name) at line \(line), \(length) lines" }
  }

  /// The source's bytes with comments and string literals blanked out.
  private let code: [UInt8]

  init(_ source: String) {
    code = Self.blank(Array(source.utf8))
  }

  /// Every function that has a body.
  func functions() -> [Function] {
    var functions: [Function] = []
    var line = 1
    var index = 0
    while index < code.count {
      if code[index] == newline { line += 1 }
      if let keyword = keyword(at: index), let end = endOfBody(after: index + keyword.utf8.count) {
        let length = code[index...end].count { $0 == newline } + 1
        functions.append(
          Function(name: name(at: index, keyword), line: line, length: length))
      }
      index += 1
    }
    return functions
  }

  private let newline = UInt8(ascii: "\n")

  private func keyword(at index: Int) -> String? {
    guard index == 0 || !Self.isWord(code[index - 1]), index == 0 || code[index - 1] != 0x2e else {
      return nil
    }
    return ["func", "init", "deinit"].first { word in
      let end = index + word.utf8.count
      return end < code.count && code[index..<end].elementsEqual(word.utf8)
        && !Self.isWord(code[end])
    }
  }

  private func name(at index: Int, _ keyword: String) -> String {
    guard keyword == "func" else { return keyword }
    let rest = code[(index + 4)...].drop { $0 == 0x20 }
    return String(decoding: rest.prefix { $0 != 0x28 && $0 != 0x3c && $0 != 0x20 }, as: UTF8.self)
  }

  /// Where the body that starts after `start` ends; nil for a requirement of a protocol.
  private func endOfBody(after start: Int) -> Int? {
    var parentheses = 0
    var index = start
    while index < code.count {
      switch code[index] {
      case 0x28, 0x5b: parentheses += 1
      case 0x29, 0x5d: parentheses -= 1
      case 0x7d where parentheses == 0: return nil
      case 0x7b where parentheses == 0: return closingBrace(of: index)
      default:
        if parentheses < 0 { return nil }
        if parentheses == 0, index > start, keyword(at: index) != nil { return nil }
      }
      index += 1
    }
    return nil
  }

  private func closingBrace(of opening: Int) -> Int? {
    var depth = 0
    for index in opening..<code.count {
      if code[index] == 0x7b { depth += 1 }
      if code[index] == 0x7d { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == 0x5f || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
      || (0x61...0x7a).contains(byte) || byte >= 0x80
  }

  /// Replaces comments and literals by spaces; line ends stay where they are.
  private static func blank(_ source: [UInt8]) -> [UInt8] {
    var code = source
    var index = 0
    while index < source.count {
      let end: Int
      if starts("//", in: source, at: index) {
        end = source[index...].firstIndex(of: UInt8(ascii: "\n")) ?? source.count
      } else if starts("/*", in: source, at: index) {
        end = find("*/", in: source, from: index + 2)
      } else if starts("\"\"\"", in: source, at: index) {
        end = find("\"\"\"", in: source, from: index + 3)
      } else if starts("#\"", in: source, at: index) {
        end = find("\"#", in: source, from: index + 2)
      } else if source[index] == UInt8(ascii: "\"") {
        end = endOfLiteral(in: source, from: index + 1)
      } else {
        index += 1
        continue
      }
      for position in index..<end where source[position] != UInt8(ascii: "\n") {
        code[position] = UInt8(ascii: " ")
      }
      index = end
    }
    return code
  }

  private static func endOfLiteral(in source: [UInt8], from start: Int) -> Int {
    var index = start
    var depth = 0
    while index < source.count {
      if depth == 0 && source[index] == UInt8(ascii: "\"") { return index + 1 }
      if source[index] == UInt8(ascii: "\n") { return index }
      if starts("\\(", in: source, at: index) {
        depth += 1
        index += 2
      } else if source[index] == UInt8(ascii: "\\") {
        index += 2
      } else {
        if depth > 0 && source[index] == UInt8(ascii: "(") { depth += 1 }
        if depth > 0 && source[index] == UInt8(ascii: ")") { depth -= 1 }
        index += 1
      }
    }
    return source.count
  }

  private static func starts(_ text: String, in source: [UInt8], at index: Int) -> Bool {
    source[index...].starts(with: text.utf8)
  }

  private static func find(_ text: String, in source: [UInt8], from start: Int) -> Int {
    var index = start
    while index < source.count {
      if starts(text, in: source, at: index) { return index + text.utf8.count }
      index += 1
    }
    return source.count
  }
}
