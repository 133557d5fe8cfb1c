import Testing

/// What is declared for other files and named by none is dead: tests alone do not keep code alive.
///
/// A check over words, not over meanings: a name that two declarations share is not found.
@Suite struct DeadCodeTests {
  /// What nothing in the sources names, and why it is there.
  private static let allowed: [String: String] = [
    "metadataProvider": "swift-log asks every handler for it",
    "slotsInUse": "tests count with it that every slot was given back",
  ]

  private static let kinds: Set<Substring> = [
    "func", "var", "let", "struct", "enum", "class", "actor", "protocol", "typealias",
  ]
  private static let modifiers: Set<Substring> = [
    "static", "final", "mutating", "borrowing", "consuming", "nonisolated", "indirect",
    "private(set)", "internal(set)", "convenience",
  ]

  /// The name that a line declares as `package` or `public`; nil for any other line.
  private static func declaration(in line: Substring) -> Substring? {
    var words = line.split(separator: " ")[...]
    while words.first?.hasPrefix("@") == true { words.removeFirst() }
    guard let access = words.popFirst(), access == "package" || access == "public" else {
      return nil
    }
    while let word = words.first, modifiers.contains(word) { words.removeFirst() }
    guard let kind = words.popFirst(), kinds.contains(kind), let name = words.first else {
      return nil
    }
    return Self.words(of: name).first
  }

  private static func words(of code: Substring) -> [Substring] {
    code.utf8.split { byte in
      !(0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x5F)
    }.map { Substring($0) }
  }

  @Test func whatIsDeclaredForOthersIsNamedInTheSources() {
    var counts: [Substring: Int] = [:]
    var declared: [Substring: String] = [:]
    for file in SourceTree.swift(in: "Sources") {
      for line in file.lines {
        let code = line.drop { $0 == " " }
        guard !code.hasPrefix("//") else { continue }
        for word in Self.words(of: code) { counts[word, default: 0] += 1 }
        if let name = Self.declaration(in: code) { declared[name] = "\(file)" }
      }
    }
    #expect(declared.count > 1_000, "the declarations were not found")
    for (name, file) in declared where counts[name] == 1 && Self.allowed[String(name)] == nil {
      Issue.record("\(file) declares \(name), which nothing in the sources names")
    }
    for (name, reason) in Self.allowed where counts[Substring(name)] != 1 {
      Issue.record("\(name) is named elsewhere or gone: its exception (\(reason)) can go")
    }
  }
}
