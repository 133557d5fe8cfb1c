import Bytes
import JSON
import Testing

@testable import AcquirerGateway

@Suite struct PatternTests {
  @Test(
    arguments: [
      ("[A-Za-z0-9-]{1,36}", "f25084f0-5b16-4c0a-ae5d-b24808a95e4b", true),
      ("[A-Za-z0-9-]{1,36}", "", false),
      ("[A-Za-z0-9-]{1,36}", "f25084f0-5b16-4c0a-ae5d-b24808a95e4bb", false),
      ("[A-Za-z0-9-]{1,36}", "a b", false),
      ("[A-Za-z0-9-]{1,36}", "a\n", false),
      ("[A-Za-z0-9-]{1,36}", "é", false),
      ("[0-9]{2}", "00", true),
      ("[0-9]{2}", "0", false),
      ("[0-9]{2}", "000", false),
      ("[-0-9]{2}", "-1", true),
      ("[a .~]{1,4}", "a .~", true),
      ("[@]{1}", "@", true),
      ("[@]{1}", "\u{0}", false),
    ] as [(String, String, Bool)])
  func `a value matches as a whole or not at all`(
    pattern: String, value: String, matches: Bool
  ) throws {
    #expect(try Fixture.required(FieldPattern(pattern), pattern).matches(value) == matches)
  }

  @Test(arguments: [
    "", "[]{1}", "[a]", "a{1}", "[a]{0}", "[a]{2,1}", "[a]{1,129}", "[a]{1,}", "[a]{,1}",
    "[a]{1,2,3}", "[a]{x}", "[a]{+1}", "[a]*", "[z-a]{1}", "[a-]b{1}", "[a]b]{1}", "[^a]{1}",
    "[\\d]{1}", "[a-z-9]{1}", "[é]{1}", "[a]{1} ", " [a]{1}", "(a){1}", "[a]{1}{2}", "[\n]{1}",
  ])
  func `anything else is no pattern`(text: String) {
    #expect(FieldPattern(text) == nil)
  }

  @Test(
    arguments: [
      ("/a", "1"), ("/b/1", "3"), ("/b/0/c", "2"), ("/x~1y", "4"), ("/m~0n", "5"), ("/", "6"),
      ("/none", nil), ("/a/b", nil), ("/b/2", nil), ("/b/01", nil), ("/b/-", nil), ("/b/-1", nil),
      ("/null", nil), ("/~01", "7"),
    ] as [(String, String?)])
  func `a pointer leads to a value that is there`(text: String, expected: String?) throws {
    let json = Array(
      #"{"a":1,"b":[{"c":2},3],"x/y":4,"m~n":5,"":6,"null":null,"~1":7}"#.utf8)
    let document = try JSONDocument(json.rawSpan)
    let pointer = try Fixture.required(JSONPointer(text), text)
    let node = pointer.find(in: document)
    #expect(node.map { String(decoding: json[$0.content], as: UTF8.self) } == expected)
  }

  @Test(arguments: ["", "a", "a/b", "/~", "/~2", "/a~", "#/a"])
  func `anything else is no pointer`(text: String) {
    #expect(JSONPointer(text) == nil)
  }
}
