import ConfigurationReading
import TestSupport
import Testing

/// Runs `Mistakes.txt`.
@Suite struct MistakeTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let configuration: String
    let expected: String
    var testDescription: String { name }
  }

  static let cases = read(String(decoding: PackageResources.Mistakes_txt, as: UTF8.self))

  @Test func `the file of cases is read whole`() {
    #expect(Self.cases.count > 50)
    #expect(Self.cases.first?.expected == "")
  }

  @Test(arguments: cases)
  func `every mistake is reported with its line and a suggestion`(_ one: Case) throws {
    let directory = try Self.directory()
    let path = try directory.write("cadenas.yaml", one.configuration)
    var said = ""
    do throws(ConfigurationError) {
      _ = try ServiceConfiguration.load(path: path)
    } catch {
      said = error.description
    }
    #expect(said.replacing(directory.path + "/", with: "DIR/") == one.expected)
  }

  /// A directory with the files that the cases name.
  static func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for name in ["server.pem", "template.yaml", "ca.pem", "other-ca.pem", "directory/file"] {
      try directory.write(name, name)
    }
    try directory.write("server.key", "", mode: 0o600)
    try directory.write("open.key", "", mode: 0o640)
    try directory.write(
      "overlapping-brands.yaml",
      """
      ranges:
        - {prefixes: [40-45, "44"], lengths: [16], brand: visa}
        - {prefixes: [39-41], excluded: true}
      """)
    try directory.write(
      "wrong-brands.yaml",
      """
      ranges:
        - {prefixes: [4x, 45-44, 4], lengths: [3-99, 200], brand: Visa}
        - {prefixes: [45-44], lengths: [12-16], brand: visa, co_brand: [cb]}
        - visa
        - {prefixes: [4], lengths: [16], brand: visa, co_brands: [visa]}
        - {prefixes: [4], lengths: [16], brand: visa, luhn: no}
        - {prefixes: [4], lengths: [16], brand: visa, excluded: true}
        - {prefixes: [4]}
      """)
    try directory.write(
      "wrong-alarms.yaml",
      """
      rules:
        a rule: {keys: true}
        words: {operations: detokenize, outcomes: [relased]}
        operations: {operations: [detokenise, alarm]}
        empty: {reasons: []}
        endless: {operations: [delete], more_than: 5}
        long: {operations: [delete], more_than: 5, in: 2d}
        bare: {operations: [delete], in: 60}
        many: {operations: [delete], more_than: -1, in: 60s}
        subject: {operations: [delete], per: clients, in: 60s}
        apart: {operations: [delete], per: client}
        all: {}
        typo: {honeytoken: true}
        word: {keys: yes}
        nothing:
      """)
    try directory.write("empty-alarms.yaml", "rule: {keys: true}")
    try directory.write(
      "many-alarms.yaml",
      "rules:\n" + (0...64).map { "  rule-\($0): {keys: true}\n" }.joined())
    return directory
  }

  /// The cases of the file, each configuration completed with the sections of the first.
  private static func read(_ text: String) -> [Case] {
    var cases: [Case] = []
    var base: [(section: String, text: String)] = []
    let parts = ("\n" + text).split(separator: "\n== ", omittingEmptySubsequences: false)
    for part in parts.dropFirst() {
      guard let lineEnd = part.firstIndex(of: "\n"),
        let divider = part.firstRange(of: "\n---\n", after: lineEnd)
      else { continue }
      let given = part[lineEnd..<divider.lowerBound].dropFirst()
      let expected = part[divider.upperBound...]
      if base.isEmpty { base = sections(of: given) }
      let missing = base.filter { section, _ in
        !("\n" + given).contains("\n\(section):")
          && !("\n" + given + "\n").contains("\n!without \(section)\n")
      }
      let kept = given.split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("!without ") }
      cases.append(
        Case(
          name: String(part[..<lineEnd]),
          configuration: (kept.map(String.init) + missing.map(\.text)).joined(separator: "\n")
            + "\n",
          expected: expected.split(separator: "\n").joined(separator: "\n")))
    }
    return cases
  }

  private static func sections(of text: Substring) -> [(section: String, text: String)] {
    var sections: [(section: String, text: String)] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix(" "), let last = sections.indices.last {
        sections[last].text += "\n" + line
      } else if let colon = line.firstIndex(of: ":") {
        sections.append((String(line[..<colon]), String(line)))
      }
    }
    return sections
  }
}

extension Substring {
  fileprivate func firstRange(of text: String, after start: Index) -> Range<Index>? {
    self[start...].firstRange(of: text)
  }
}
