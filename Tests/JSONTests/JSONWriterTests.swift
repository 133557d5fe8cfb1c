import JSON
import Testing

@Suite struct JSONWriterTests {
  @Test func anObjectIsWrittenInTheOrderOfTheCalls() {
    var json = JSONWriter()
    json.beginObject()
    json.member("token", string: "tok_1")
    json.member("preferred_brand", string: nil)
    json.member("brands", strings: ["visa", "cb"])
    json.member("exp_month", integer: 12)
    json.member("none", integer: Int?.none)
    json.member("sealed", boolean: false)
    json.member("created_at", unixMilliseconds: 1_795_459_405_123)
    json.name("nested")
    json.beginArray()
    json.beginObject()
    json.endObject()
    json.integer(Int64.min)
    json.null()
    json.rawValue(Array("{\"x\":1}".utf8))
    json.endArray()
    json.endObject()
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"token":"tok_1","preferred_brand":null,"brands":["visa","cb"],"exp_month":12,"#
        + #""none":null,"sealed":false,"created_at":"2026-11-23T18:43:25Z","nested":"#
        + #"[{},-9223372036854775808,null,{"x":1}]}"#)
  }

  @Test func everyCharacterComesBackFromTheReader() throws {
    var text = ""
    for value in UInt32(0)...0x17F { text.unicodeScalars.append(Unicode.Scalar(value) ?? "?") }
    text += "\u{2028}\u{FFFF}😀\"\\"
    var json = JSONWriter()
    json.beginObject()
    json.member(JSONName(text), string: text)
    json.endObject()
    let sample = try Sample(json.bytes)
    #expect(sample.keys(of: sample.root) == [text])
    #expect(sample.string(sample.member(text)) == text)
  }

  @Test func linesAreCompleteValues() {
    var json = JSONWriter()
    for number in 1...2 {
      json.beginObject()
      json.member("seq", integer: number)
      json.endObject()
      json.endLine()
    }
    #expect(String(decoding: json.bytes, as: UTF8.self) == "{\"seq\":1}\n{\"seq\":2}\n")
  }
}
