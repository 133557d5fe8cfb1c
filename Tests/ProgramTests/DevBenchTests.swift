import Bytes
import NIOCore
import TestSupport
import Testing

@testable import cadenas_dev

@Suite struct DevBenchTests {
  private static func scan(_ text: String) -> AnswerScanner.Answer? {
    let bytes = Array(text.utf8)
    return AnswerScanner.scan(bytes.rawSpan)
  }

  @Test func generatedNumbersPassLuhnAndDiffer() {
    var seen: Set<[UInt8]> = []
    for offset in 0..<4 {
      var numbers = TestCardNumbers(first: 999_999_990, offset: offset, stride: 4)
      var digits = [UInt8](repeating: 0, count: 16)
      for _ in 0..<250 {
        numbers.next(into: &digits)
        #expect(digits.first == UInt8(ascii: "4"))
        #expect(Luhn.holds(String(decoding: digits, as: UTF8.self)))
        seen.insert(digits)
      }
    }
    #expect(seen.count == 1000)
  }

  /// The vault refuses more than ten new cards in an hour that share their first six and last four
  /// digits: a measurement is not to meet that.
  @Test func hardlyTwoGeneratedNumbersShareFirstAndLastDigits() {
    for first in [0, TestCardNumbers.filledSize, 700_000_000] {
      var counts: [[UInt8]: Int] = [:]
      var numbers = TestCardNumbers(first: first, offset: 0, stride: 1)
      var digits = [UInt8](repeating: 0, count: 16)
      for _ in 0..<100_000 {
        numbers.next(into: &digits)
        counts[Array(digits[0..<6] + digits[12...]), default: 0] += 1
      }
      #expect((counts.values.max() ?? 0) <= 2)
    }
  }

  @Test func anAnswerIsCompleteWhenItsBodyIs() {
    let token = "tok_01kax3zv5ye8bvkp2mszn9fqxw"
    let body = #"{"token":"\#(token)"}"#
    let text = "HTTP/1.1 201 Created\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    for count in 0..<text.utf8.count {
      #expect(Self.scan(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil)
    }
    let answer = Self.scan(text + "HTTP/1.1 200")
    #expect(answer?.status == 201)
    #expect(answer?.length == text.utf8.count)
    #expect(answer?.closes == false)
    let bytes = Array(text.utf8)
    #expect(answer?.token.map { String(decoding: bytes[$0], as: UTF8.self) } == token)
  }

  @Test func anAnswerWithoutABodyEndsWithItsHeaders() {
    let text = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    let expected = AnswerScanner.Answer(status: 204, closes: true, token: nil, body: 46..<46)
    #expect(Self.scan(text) == expected)
  }

  @Test func percentilesAreExactToAFewPercent() {
    var histogram = LatencyHistogram()
    for value in 1...100_000 { histogram.record(UInt64(value)) }
    for (fraction, exact) in [(0.5, 50_000.0), (0.9, 90_000), (0.99, 99_000), (0.999, 99_900)] {
      let found = Double(histogram.percentile(fraction))
      #expect(abs(found - exact) / exact < 0.02)
    }
    #expect(histogram.percentile(1) == 100_000)
    #expect(LatencyHistogram().percentile(0.5) == 0)
  }

  @Test func bucketsFollowEachOtherWithoutGaps() {
    for bucket in 0..<2000 {
      let edge = LatencyHistogram.upperEdge(of: bucket)
      #expect(LatencyHistogram.bucket(of: edge) == bucket)
      #expect(LatencyHistogram.bucket(of: edge + 1) == bucket + 1)
    }
  }

  @Test func numbersOfTheFillerAreNobodyElses() {
    var filler = TestCardNumbers(filledFrom: TestCardNumbers.filledSize - 1)
    var runner = TestCardNumbers(first: 999_999_999, offset: 1, stride: 1)
    var filled = [UInt8](repeating: 0, count: 16)
    var fresh = filled
    filler.next(into: &filled)
    runner.next(into: &fresh)
    var first = filled
    TestCardNumbers.write(TestCardNumbers.filledSize - 1, into: &first)
    #expect(filled == first)
    TestCardNumbers.write(TestCardNumbers.filledSize, into: &first)
    #expect(fresh == first)
    #expect(TestCardNumbers.freshStart() >= TestCardNumbers.filledSize)
  }

  private static func plan(
    _ operation: BenchPlan.Operation, filled: Int = 0, rate: Int? = nil
  ) -> BenchPlan {
    BenchPlan(
      endpoint: Endpoint(host: "127.0.0.1", port: 1), operation: operation, connections: 1,
      threads: 1, measured: .seconds(1), warmUp: .seconds(0), rate: rate, filled: filled,
      wanted: 0, server: [])
  }

  /// The requests of one connection, with one prepared card.
  private static func requests(_ operation: BenchPlan.Operation) -> BenchRequests {
    var cards = BenchCards()
    let token = Array("tok_01kax3zv5ye8bvkp2mszn9fqxw".utf8)
    cards.add(7, token: 0..<30, of: token.rawSpan)
    return BenchRequests(
      .measure(operation), plan(operation), cards: cards, connection: 0,
      firstCard: TestCardNumbers.filledSize)
  }

  /// Asks once, and says whether `answer` to that is taken as right. `DIGITS` and `LAST4` stand for
  /// those of the request.
  private static func isRight(
    _ answer: (status: Int, body: String), to operation: BenchPlan.Operation
  ) throws -> Bool {
    var requests = requests(operation)
    let request = requests.next()
    let text = String(buffer: try #require(request))
    let asked = text.firstRange(of: "\"number\":\"").map { text[$0.upperBound...].prefix(16) }
    var prepared = [UInt8](repeating: 0, count: TestCardNumbers.length)
    TestCardNumbers.write(7, into: &prepared)
    let digits = asked.map(String.init) ?? String(decoding: prepared, as: UTF8.self)
    let body = answer.body.replacing("DIGITS", with: digits)
      .replacing("LAST4", with: String(digits.suffix(4)))
    return try requests.take(answer.status, body)
  }

  @Test func aStatusAloneMakesNoAnswerRight() throws {
    let view = #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxw","last4":"LAST4"}"#
    let other = #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxw","last4":"none"}"#
    let stranger = #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxz","last4":"LAST4"}"#
    #expect(try Self.isRight((201, view), to: .tokenizeNew))
    #expect(try !Self.isRight((200, view), to: .tokenizeNew))
    #expect(try !Self.isRight((201, other), to: .tokenizeNew))
    #expect(try Self.isRight((200, view), to: .tokenizeKnown))
    #expect(try !Self.isRight((200, stranger), to: .tokenizeKnown))
    #expect(try Self.isRight((200, #"{"number":"DIGITS"}"#), to: .pull))
    #expect(try !Self.isRight((200, #"{"number":"4970105181818183"}"#), to: .pull))
    #expect(try Self.isRight((200, #"{"outcome":"approved"}"#), to: .push))
    #expect(try !Self.isRight((200, #"{"outcome":"refused"}"#), to: .push))
    #expect(try Self.isRight((204, ""), to: .delete))
    #expect(try !Self.isRight((404, ""), to: .delete))
  }

  @Test func changesHaveKeysOfTheirOwnLaterExpiriesAndDeletions() throws {
    var requests = Self.requests(.changes)
    var keys: Set<Substring> = []
    var expiries: [String] = []
    var counts: [String: Int] = [:]
    for _ in 0..<40 {
      let request = requests.next()
      let text = String(buffer: try #require(request))
      let body = text.firstRange(of: "{").map { text[$0.lowerBound...] } ?? ""
      let digits = body.dropFirst(11).prefix(16)
      let isLater = !body.isEmpty && !body.hasSuffix(#""exp_month":12,"exp_year":2035}"#)
      if let field = text.firstRange(of: "Idempotency-Key: ") {
        keys.insert(text[field.upperBound...].prefix(27))
        counts["key", default: 0] += 1
      } else if text.hasPrefix("DELETE") {
        counts["delete", default: 0] += 1
      } else if isLater {
        counts["later", default: 0] += 1
        expiries.append(String(body.suffix(5).prefix(4) + body.dropFirst(41).prefix(2)))
        continue
      } else {
        counts["new", default: 0] += 1
      }
      let answer = #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxz","last4":"\#(digits.suffix(4))"}"#
      let isRight = try requests.take(text.hasPrefix("DELETE") ? 204 : 201, answer)
      #expect(isRight)
    }
    #expect(counts == ["new": 16, "key": 12, "later": 8, "delete": 4])
    #expect(keys.count == 12)
    #expect(expiries == expiries.sorted() && Set(expiries).count == 8)
  }

  @Test func theMixIsSeventyTwentyFiveAndFive() throws {
    var requests = Self.requests(.mix)
    var counts: [Substring: Int] = [:]
    var keys: Set<Substring> = []
    for _ in 0..<200 {
      let request = requests.next()
      let text = String(buffer: try #require(request))
      let path = text.prefix { $0 != "\r\n" }
      let kind: Substring =
        path.hasPrefix("DELETE") ? "delete" : path.contains("/detokenize") ? "push" : "tokenize"
      counts[kind, default: 0] += 1
      if kind == "push", let field = text.firstRange(of: "Idempotency-Key: ") {
        keys.insert(text[field.upperBound...].prefix(27))
      }
      if kind == "tokenize", let number = text.firstRange(of: "\"number\":\"") {
        let last4 = text[number.upperBound...].prefix(16).suffix(4)
        let body = #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxw","last4":"\#(last4)"}"#
        let isRight = try requests.take(201, body)
        #expect(isRight)
      }
    }
    #expect(counts == ["tokenize": 140, "push": 50, "delete": 10])
    #expect(keys.count == 50)
  }

  @Test func wrongAndMissingAnswersAreFailuresAndLateOnesCount() {
    var tally = BenchTally()
    tally.record(status: 201, isRight: true, nanoseconds: 1)
    tally.record(status: 503, isRight: false, nanoseconds: 1)
    tally.lost = 2
    tally.recordOverdue(nanoseconds: 1_000_000)
    #expect(tally.failures == 3)
    #expect(tally.answered == 2)
    #expect(tally.statuses.map(\.status) == [201, 503])
    #expect(tally.latency.percentile(1) == 1_000_000)
  }
}

extension BenchRequests {
  /// Whether an answer of the vault's is the right one to the last request.
  fileprivate mutating func take(_ status: Int, _ body: String) throws -> Bool {
    let bytes = Array(
      "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    let found = AnswerScanner.scan(bytes.rawSpan)
    return check(try #require(found), in: bytes.rawSpan)
  }
}
