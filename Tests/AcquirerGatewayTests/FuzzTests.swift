import Bytes
import ConfigurationReading
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// A bounded run of broken input against everything here that reads bytes of others.
@Suite struct FuzzTests {
  private func broken(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: index)
      case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
      default:
        let end = Int.random(in: index...min(bytes.count, index + 40), using: &random)
        bytes.insert(contentsOf: bytes[index..<end], at: bytes.count / 2)
      }
    }
    return bytes
  }

  @Test func `a broken answer never lets the card number through`() throws {
    let template = try Fixture.operation(AnswerReaderTests.template)
    let reader = AnswerReader(rules: template.answer, requestedAmount: 4990)
    let number = "4970105181818183"
    let digits = Array(number.utf8)
    let sound = """
      {"status":"APPROVED","code":"00","ids":["\(number)","N1"],"amount":\(number),
       "scheme":"cb","score":\(number),"x":{"y":["49\\u0037010 5181 8181 83",1.5e3,null]}}
      """
    var random = SeededGenerator(seed: 20_261_123)
    for round in 0..<4_000 {
      let answer = broken(sound, &random)
      let outcome = reader.outcome(
        status: 200, body: answer.rawSpan, cardNumber: digits.rawSpan)
      let text = describe(outcome)
      #expect(!text.filter(\.isNumber).contains(number), "round \(round)")
    }
  }

  @Test(arguments: [TemplateMistakeTests.sound, MessageTests.template, AnswerReaderTests.template])
  func `a broken template is compiled or said to be wrong`(sound: String) {
    var random = SeededGenerator(seed: 7)
    for round in 0..<400 {
      let diagnostics = Diagnostics()
      let tree = ConfigurationTree.parse(broken(sound, &random), file: "t", diagnostics)
      let template = tree.flatMap { TemplateCompiler.compile($0, directory: "/", diagnostics) }
      #expect((template == nil) != diagnostics.isEmpty, "round \(round)")
    }
  }

  @Test func `no text makes a pattern or a pointer fail otherwise than by nil`() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<4_000 {
      let pattern = String(decoding: broken("[A-Za-z0-9-]{1,36}", &random), as: UTF8.self)
      _ = FieldPattern(pattern)?.matches("abc-1")
      _ = JSONPointer(String(decoding: broken("/answer/0/~0x~1", &random), as: UTF8.self))
    }
  }
}
