import ConfigurationReading
import Testing

@Suite struct ReaderTests {
  let diagnostics = Diagnostics()

  private func reader(_ text: String) throws -> MappingReader {
    let tree = try #require(ConfigurationTree.parse(Array(text.utf8), file: "f", diagnostics))
    return try #require(MappingReader(tree, name: "", diagnostics))
  }

  @Test func `a value of null counts as absent`() throws {
    let reader = try reader("a: null\nb: ~\nc:\nd: \"null\"\n")
    #expect(reader.string("a") == nil)
    #expect(reader.string("b") == nil)
    #expect(!reader.has("c"))
    #expect(reader.string("d") == "null")
    reader.finish()
    #expect(diagnostics.isEmpty)
  }

  @Test(arguments: ["17", "-1", "+1", ".5", "1e3", "0x1F", "true", "False", "012"])
  func `a plain scalar that is a number or a boolean is no string`(_ text: String) throws {
    #expect(try reader("a: \(text)").string("a") == nil)
    #expect(diagnostics.count == 1)
    #expect(try reader("a: '\(text)'").string("a") == text)
    #expect(diagnostics.count == 1)
  }

  @Test(arguments: ["127.0.0.1:0", "1.2.3", "-x", "2028-01-01", "no", "infinity", "1MiB"])
  func `other plain scalars are strings`(_ text: String) throws {
    #expect(try reader("a: \(text)").string("a") == text)
    #expect(diagnostics.isEmpty)
  }

  @Test(arguments: ["01", "1_000", "1.0", "\"1\"", "0x10", "99999999999999999999", "[1]", "+1"])
  func `a whole number has one form`(_ text: String) throws {
    #expect(try reader("a: \(text)").integer("a", in: 0...10_000) == nil)
    #expect(diagnostics.count == 1)
  }

  @Test func `diagnostics are ordered by file and line and given once`() {
    let one = Diagnostic(file: "b", line: 9, message: "m")
    let two = Diagnostic(file: "a", line: 3, message: "m")
    let three = Diagnostic(file: "b", line: 2, message: "m", suggestion: "s")
    let four = Diagnostic(file: "b", line: nil, message: "m")
    for diagnostic in [one, two, three, one, four] { diagnostics.report(diagnostic) }
    #expect(diagnostics.all == [four, three, one, two])
    #expect(diagnostics.all.map(\.description) == ["b: m", "b:2: m: s", "b:9: m", "a:3: m"])
  }

  @Test(arguments: [
    ("mercahnts", "merchants"), ("tl", "tls"), ("merchant_", "merchants"),
    ("acquirer", "acquirers"), ("storre", "store"),
  ])
  func `the closest word is suggested`(_ word: String, _ meant: String) {
    let words = ["listen", "store", "tls", "keys", "merchants", "acquirers", "limits"]
    #expect(closest(to: word, among: words) == meant)
  }

  @Test(arguments: ["telemetry", "x", "", String(repeating: "x", count: 65)])
  func `nothing is suggested where nothing is close`(_ word: String) {
    #expect(closest(to: word, among: ["merchants", "tls", "a"]) == nil)
  }
}
