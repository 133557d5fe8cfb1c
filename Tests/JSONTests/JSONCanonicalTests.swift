import JSON
import Testing

@Suite struct JSONCanonicalTests {
  @Test(arguments: [
    #"{"a":1,"b":{"c":[1,2],"d":"x"}}"#,
    #" { "b" : { "d" : "\u0078" , "c" : [ 1 , 2 ] } , "a" : 1 } "#,
    #"{"e":null,"b":{"f":null,"d":"x","c":[1,2]},"\u0061":1}"#,
  ])
  func theSameRequestInAnotherSpellingHasOneForm(text: String) throws {
    #expect(try Sample(text).canonical() == #"{"a":1,"b":{"c":[1,2],"d":"x"}}"#)
  }

  @Test func stringsAreEscapedInOneWay() throws {
    let text = #"["\/\u002f\"\\\b\u001F\u007f\u00e9é\ud83d\ude00"]"#
    #expect(try Sample(text).canonical() == "[\"//\\\"\\\\\\u0008\\u001f\u{7f}éé😀\"]")
  }

  @Test func namedMembersOfTheTopObjectAreLeftOut() throws {
    let sample = try Sample(#"{"c\u0076c":"123","number":"x","a":{"cvc":"1"},"b":2}"#)
    #expect(sample.canonical(omitting: ["cvc", "number"]) == #"{"a":{"cvc":"1"},"b":2}"#)
  }

  @Test func differentRequestsDiffer() throws {
    let texts = [
      #"{"a":1}"#, #"{"a":1.5}"#, #"{"a":-1}"#, #"{"a":"1"}"#, #"{"a":[1]}"#, #"{"a":{"b":1}}"#,
      #"{"a":true}"#,
      #"{}"#, #"{"a":[null]}"#, #"{"a":[]}"#, #"{"a":"\"b\":1"}"#,
    ]
    #expect(try Set(texts.map { try Sample($0).canonical() }).count == texts.count)
  }

  @Test func aNumberThatIsWholeStandsAsItsDigitsAndAnyOtherAsItWasWritten() throws {
    let text = "[12,12.0,1.2E+1,120e-1,0.0,-0,-2.0,2030,2.03e3,1.50,1e99,0.5e0]"
    let canonical = "[12,12,12,12,0,0,-2,2030,2030,1.50,1e99,0.5e0]"
    #expect(try Sample(text).canonical() == canonical)
  }

  @Test func membersAreSortedByBytes() throws {
    let sample = try Sample(#"{"b":1,"é":2,"a":3,"aa":4,"":5,"A":6,"\u007a":7}"#)
    #expect(sample.canonical() == #"{"":5,"A":6,"a":3,"aa":4,"b":1,"z":7,"é":2}"#)
  }
}
