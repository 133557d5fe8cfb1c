import Testing

@testable import cadenas_dev

@Suite struct DevLoadTests {
  private static func scan(_ text: String) -> AnswerScanner.Answer? {
    let bytes = Array(text.utf8)
    return unsafe AnswerScanner.scan(bytes.span.bytes)
  }

  @Test func generatedNumbersPassLuhnAndDiffer() {
    var seen: Set<[UInt8]> = []
    for offset in 0..<4 {
      var numbers = TestCardNumbers(first: 999_999_990, offset: offset, stride: 4)
      var digits = [UInt8](repeating: 0, count: 16)
      for _ in 0..<250 {
        numbers.next(into: &digits)
        #expect(digits.starts(with: "497010".utf8))
        let doubled = digits.enumerated().map { index, byte in
          let digit = Int(byte - 0x30) * (index.isMultiple(of: 2) ? 2 : 1)
          return digit > 9 ? digit - 9 : digit
        }
        #expect(doubled.reduce(0, +).isMultiple(of: 10))
        seen.insert(digits)
      }
    }
    #expect(seen.count == 1000)
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
    let expected = AnswerScanner.Answer(status: 204, closes: true, token: nil, length: 46)
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

  @Test func successIsTwoHundredsAlone() {
    var tally = LoadTally()
    tally.record(status: 201, nanoseconds: 1)
    tally.record(status: 503, nanoseconds: 1)
    tally.lost = 2
    #expect(tally.failures == 3)
    #expect(tally.statuses.map(\.status) == [201, 503])
  }
}
