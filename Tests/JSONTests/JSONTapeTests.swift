import JSON
import Testing

@Suite struct JSONTapeTests {
  @Test func aTokenizeRequestIsReadMemberByMember() throws {
    let sample = try Sample(
      #" {"number":"4111111111111111", "exp_month":12,"exp_year":2028,"customer":null} "#)
    #expect(sample.root.kind == .object)
    #expect(sample.keys(of: sample.root) == ["number", "exp_month", "exp_year", "customer"])
    let number = try #require(sample.member("number"))
    #expect(sample.string(number) == "4111111111111111")
    #expect(sample.plainBytes(number) == Array("4111111111111111".utf8))
    #expect(sample.integer(number) == nil)
    #expect(sample.integer(sample.member("exp_month")) == 12)
    #expect(sample.string(sample.member("exp_month")) == nil)
    #expect(sample.member("customer")?.kind == .null)
    #expect(sample.presentMember("customer") == nil)
    #expect(sample.presentMember("exp_year") != nil)
    #expect(sample.member("cvc") == nil)
  }

  @Test func siblingsAreFoundBehindNestedValues() throws {
    let sample = try Sample(#"{"a":{"b":[1,{"c":2}],"d":3},"e":[true,false,null]}"#)
    let a = try #require(sample.member("a"))
    #expect(sample.keys(of: a) == ["b", "d"])
    #expect(sample.integer(sample.member("d", of: a)) == 3)
    #expect(sample.document.elements(of: a).map(\.kind) == [])
    let e = try #require(sample.member("e"))
    #expect(sample.document.elements(of: e).map(\.kind) == [.true, .false, .null])
    #expect(
      sample.document.elements(of: e).map { sample.document.boolean(of: $0) } == [true, false, nil])
    #expect(sample.document.members(of: e).map(\.kind) == [])
    #expect(sample.member("d") == nil)
    #expect(sample.member("x", of: e) == nil)
  }

  @Test func escapesAreUndoneInStringsAndNames() throws {
    let sample = try Sample(
      #"{"n\u0075mber":"\"\\\/\b\f\n\r\t\u00e9\u20AC\uD83D\ude00é€😀"}"#)
    let node = try #require(sample.member("number"))
    let expected = "\"\\/\u{8}\u{c}\n\r\té€😀é€😀"
    #expect(sample.keys(of: sample.root) == ["number"])
    #expect(sample.string(node) == expected)
    #expect(sample.isString(node, equalTo: expected))
    #expect(!sample.isString(node, equalTo: expected + "x"))
    #expect(!sample.isString(node, equalTo: String(expected.dropLast())))
    #expect(sample.plainBytes(node) == nil)
    #expect(sample.eachByte(node) == Array(expected.utf8))
  }

  @Test func aValueAloneIsRead() throws {
    #expect(try Sample(" \"x\" ").root.kind == .string)
    #expect(try Sample("[]").root.kind == .array)
    #expect(try Sample("null").root.kind == .null)
  }

  @Test(
    arguments: [
      ("12", 12), ("-0", 0), ("0.0e5", 0), ("12.0", 12), ("1.2e1", 12), ("120E-1", 12),
      ("-5e2", -500), ("0.5e+1", 5), ("1000000000000000000000e-20", 10), ("12.00e0", 12),
      ("9223372036854775807", Int64.max), ("9223372036854775807.000", Int64.max),
      ("9223372036854775808", nil), ("1e19", nil), ("1e999999999999999999999", nil),
      ("1e-999999999999999999999", nil), ("0e999999999999999999999", 0), ("12.5", nil),
      ("1e-1", nil), ("0.00001e4", nil), (#""12""#, nil), ("true", nil), ("null", nil),
    ] as [(String, Int64?)])
  func aWholeNumberIsReadHoweverItIsWritten(text: String, value: Int64?) throws {
    let sample = try Sample(text)
    #expect(sample.integer(sample.root) == value)
  }
}

@Suite struct JSONRefusalTests {
  @Test(arguments: [
    "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
    "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "tru", "True", "nul", "NaN", "Infinity",
    "+1", "01", "-", "-01", "1.", ".5", "1e", "1e+", "0x1", "\"", "\"\\", "\"\\x\"", "\"\\u12\"",
    "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"",
    "\"\\ud800\\ud800\"", "\"a\nb\"", "\"a\u{0}b\"", "\u{feff}{}", "/**/{}", "{}//",
    "\u{a0}{}", "\u{b}1", "\"\\U0041\"", "truefalse", "[1 2]", "{1:2}", "{\"a\":1]", "[1}",
  ])
  func whatIsNotJSONIsRefused(text: String) {
    switch refusal(text) {
    case .malformed, .trailingBytes: break
    case nil: Issue.record("accepted")
    case .duplicateMember, .tooDeep, .tooManyNodes, .tooLong: Issue.record("refused as another")
    }
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x41],
    ] as [[UInt8]])
  func whatIsNotUTF8IsRefused(bytes: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    #expect(refusal([quote] + bytes + [quote]) == .malformed(offset: 1))
    #expect(refusal([quote] + bytes) == .malformed(offset: 1))
  }

  @Test(
    arguments: [
      [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
      [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0x7F],
    ] as [[UInt8]])
  func theEdgesOfUTF8AreAccepted(bytes: [UInt8]) throws {
    let sample = try Sample([UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")])
    #expect(sample.plainBytes(sample.root) == bytes)
  }

  @Test func aSecondMemberOfTheSameNameIsRefused() {
    #expect(refusal(#"{"a":1,"a":2}"#) == .duplicateMember(offset: 8))
    #expect(refusal(#"{"a":1,"\u0061":2}"#) == .duplicateMember(offset: 8))
    #expect(refusal(#"{"\u0061":1,"b":{"c":1},"a":2}"#) == .duplicateMember(offset: 25))
    #expect(refusal(#"{"😀":1,"\ud83d\ude00":2}"#) == .duplicateMember(offset: 11))
    #expect(refusal(#"{"":1,"":2}"#) == .duplicateMember(offset: 7))
    #expect(refusal(#"{"a":{"a":1},"b":{"a":1},"A":[{"a":1}]}"#) == nil)
  }

  @Test func bytesAfterTheValueAreRefused() {
    #expect(refusal("{} {}") == .trailingBytes(offset: 3))
    #expect(refusal("1 2") == .trailingBytes(offset: 2))
    #expect(refusal("{}\0") == .trailingBytes(offset: 2))
    #expect(refusal("{} \n\r\t") == nil)
  }

  @Test func nestingEndsAtTheGivenDepth() {
    #expect(refusal(#"{"a":{"b":{"c":{}}}}"#) == nil)
    #expect(refusal(#"{"a":{"b":{"c":{"d":{}}}}}"#) == .tooDeep(offset: 20))
    #expect(refusal("[[[[1]]]]") == nil)
    #expect(refusal("[[[[[]]]]]") == .tooDeep(offset: 4))
    #expect(refusal(Array("1".utf8), maximumDepth: 0) == nil)
    #expect(refusal(Array("[]".utf8), maximumDepth: 0) == .tooDeep(offset: 0))
    #expect(refusal([UInt8](repeating: UInt8(ascii: "["), count: 100_000)) == .tooDeep(offset: 4))
  }

  @Test func theNumberOfValuesIsBounded() {
    let bytes = Array("[1,2,3]".utf8)
    #expect(refusal(bytes, maximumNodes: 4) == nil)
    #expect(refusal(bytes, maximumNodes: 3) == .tooManyNodes(offset: 5))
    #expect(refusal(bytes, maximumNodes: 0) == .tooManyNodes(offset: 0))
  }

  @Test func aTextBeyondTheLongestIsRefused() {
    let space = [UInt8](repeating: 0x20, count: JSONTape.longestText + 1)
    #expect(refusal(space) == .tooLong)
  }
}
