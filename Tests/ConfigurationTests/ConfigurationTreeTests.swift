import ConfigurationReading
import TestSupport
import Testing

@Suite struct ConfigurationTreeTests {
  let diagnostics = Diagnostics()

  private func parse(_ text: String) -> ConfigurationTree? {
    ConfigurationTree.parse(Array(text.utf8), file: "f.yaml", diagnostics)
  }

  private var said: [String] { diagnostics.all.map(\.description) }

  @Test func `every node knows its line`() throws {
    let tree = try #require(parse("# comment\na:\n  - b\n  - \"c\"\nd: {e: f}\n"))
    guard case .mapping(let members) = tree.value else {
      Issue.record("not a mapping")
      return
    }
    #expect(members.map(\.key) == ["a", "d"])
    #expect(members.map(\.position.line) == [2, 5])
    guard case .sequence(let elements) = members[0].tree.value else {
      Issue.record("not a sequence")
      return
    }
    #expect(elements.map(\.position.line) == [3, 4])
    #expect(
      elements.map(\.value) == [.scalar("b", isQuoted: false), .scalar("c", isQuoted: true)])
  }

  @Test(arguments: ["a: b", "a:", "a", "1", "~", "a: \"\"", "[]", "{}", "- a", "'x'"])
  func `a file shorter than sixteen bytes is read as any other`(_ text: String) {
    let short = parse(text)
    let long = parse(text + "\n" + String(repeating: "# comment\n", count: 10))
    #expect(short != nil)
    #expect(short == long)
    #expect(said == [])
  }

  @Test(arguments: ["", "\n", "# only a comment, but a long one\n", "---\n"])
  func `a file without content is one mistake`(_ text: String) {
    let tree = parse(text)
    #expect(tree == nil || tree?.isNull == true)
    #expect(said == (tree == nil ? ["f.yaml: is empty"] : []))
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(ConfigurationTree.parse([0x61, 0x3A, 0x20, 0xFF], file: "f", diagnostics) == nil)
    #expect(said == ["f: is not UTF-8"])
  }

  @Test func `a control character is refused with its line`() {
    #expect(parse("a: b\nc: d\u{01}\n# long enough a file\n") == nil)
    #expect(said == ["f.yaml:2: is not YAML: control characters are not allowed"])
  }

  @Test func `the size of a file is bounded`() throws {
    let directory = try TemporaryDirectory()
    let bound = ConfigurationTree.Bounds.fileBytes
    let text = "a: b\n" + String(repeating: "#\n", count: bound / 2)
    let path = try directory.write("large.yaml", text)
    #expect(ConfigurationTree.read(path, called: "large.yaml", diagnostics) == nil)
    #expect(parse(text) == nil)
    #expect(
      said == [
        "large.yaml: is larger than \(bound) bytes", "f.yaml: is larger than \(bound) bytes",
      ])
    #expect(parse(String(text.dropLast(6))) != nil)
  }

  @Test func `nodes are nested to a bound`() {
    let bound = ConfigurationTree.Bounds.depth
    #expect(parse(Self.nested("[", bound, "]")) != nil)
    #expect(said == [])
    #expect(parse(Self.nested("[", bound + 1, "]")) == nil)
    #expect(said == ["f.yaml:1: nodes are nested deeper than \(bound)"])
  }

  /// A text that would exhaust the stack or the memory of a parser that believes it.
  struct Endless: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String

    init(_ name: String, _ text: String) {
      testDescription = name
      self.text = text
    }

    init(_ repeated: String, times: Int, after prefix: String = "") {
      testDescription = "\(times) times \(repeated)"
      text = prefix + String(repeating: repeated, count: times)
    }
  }

  @Test(arguments: [
    Endless("[", times: 3_999), Endless("[", times: 1_000_000), Endless("{", times: 100_000),
    Endless("closed [", nested("[", 3_999, "]")), Endless("closed {", nested("{a: ", 3_999, "}")),
    Endless("- ", times: 500_000), Endless("- ", times: 60), Endless("? ", times: 500_000),
    Endless("- ", times: 500_000, after: "x\r"), Endless("- ", times: 500_000, after: "x\u{85}"),
    Endless("- ", times: 500_000, after: "x\u{2028}"),
    Endless("indented far", (0..<1_000).map { "\(indentation($0))a:\n" }.joined()),
    Endless("indented lists", (0..<60).map { "\(indentation($0))- a:\n" }.joined()),
  ])
  func `a file that nests without end is refused`(_ endless: Endless) {
    #expect(parse(endless.text) == nil)
    #expect(said.count >= 1)
  }

  private static func nested(_ open: String, _ depth: Int, _ close: String) -> String {
    String(repeating: open, count: depth) + "a" + String(repeating: close, count: depth)
  }

  private static func indentation(_ columns: Int) -> String {
    String(repeating: " ", count: columns)
  }

  @Test func `aliases cannot multiply`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let alias = "*a\(level - 1)"
      text += "a\(level): &a\(level) [" + Array(repeating: alias, count: 9).joined(separator: ", ")
      text += "]\n"
    }
    text += "? *a30\n: x\n"
    #expect(parse(text) == nil)
    #expect(said == ["f.yaml:3: anchors and aliases are not allowed"])
  }

  @Test func `stars in comments are not aliases`() {
    #expect(parse(String(repeating: "# *important* *words*\n", count: 100) + "a: b\n") != nil)
    #expect(said == [])
  }

  @Test func `text of a file is cut and cleaned before it is shown`() {
    #expect(quoted("a\nb\u{1B}[31m\u{202E}c") == "\"a\u{FFFD}b\u{FFFD}[31m\u{FFFD}c\"")
    #expect(
      quoted(String(repeating: "é", count: 65)) == "\"" + String(repeating: "é", count: 64) + "…\"")
  }
}
