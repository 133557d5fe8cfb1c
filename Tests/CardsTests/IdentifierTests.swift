import Bytes
import Cards
import TestSupport
import Testing

/// The pairs of `Vectors/typeid.txt`.
private func vectors() -> [(uuid: [UInt8], suffix: String)] {
  var vectors: [(uuid: [UInt8], suffix: String)] = []
  var uuid: [UInt8] = []
  let file = String(decoding: PackageResources.typeid_txt, as: UTF8.self)
  for line in file.split(separator: "\n") {
    guard let value = line.split(separator: " ").last else { continue }
    if line.hasPrefix("uuid: ") {
      let digits = value.compactMap(\.hexDigitValue)
      uuid = stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    } else if line.hasPrefix("suffix: ") {
      vectors.append((uuid, String(value)))
    }
  }
  return vectors
}

private func bytes(_ token: Token) -> [UInt8] {
  let bytes = token.bytes
  return bytes.indices.map { bytes[$0] }
}

@Suite struct TokenTests {
  @Test func thePublishedVectorsOfVersionSevenAreReadAndWritten() throws {
    let versionSeven = vectors().filter { $0.uuid[6] >> 4 == 7 && $0.uuid[8] >> 6 == 0b10 }
    #expect(versionSeven.count == 6)
    for (uuid, suffix) in versionSeven {
      let token = try #require(Token("tok_" + suffix))
      #expect(bytes(token) == uuid)
      #expect(Token(bytes: uuid.rawSpan) == token)
      #expect(token.text == "tok_" + suffix)
      #expect(PaymentIdentifier("pay_" + suffix)?.text == "pay_" + suffix)
    }
  }

  @Test func anIdentifierOfAnotherVersionIsNoToken() {
    let others = vectors().filter { $0.uuid[6] >> 4 != 7 || $0.uuid[8] >> 6 != 0b10 }
    #expect(others.count == 2)
    for (uuid, suffix) in others {
      #expect(Token("tok_" + suffix) == nil)
      #expect(Token(bytes: uuid.rawSpan) == nil)
    }
  }

  @Test(arguments: [
    "", "tok_", "01h455vb4pex5vsknk084sn02q", "tok_01h455vb4pex5vsknk084sn02",
    "tok_01h455vb4pex5vsknk084sn02q0", "TOK_01h455vb4pex5vsknk084sn02q",
    "tok_01H455VB4PEX5VSKNK084SN02Q", "tok-01h455vb4pex5vsknk084sn02q",
    "pay_01h455vb4pex5vsknk084sn02q", "tok_81h455vb4pex5vsknk084sn02q",
    "tok_01h455vb4pex5vsknk084sn02u", "tok_01h455vb4pex5vsknk084sn02i",
    "tok_01h455vb4pex5vsknk084sn0l2", "tok_01h455vb4pex5vsknk084sn0 2",
    " tok_01h455vb4pex5vsknk084sn02q", "tok_01h455vb4pex5vsknk084sn02é",
    "tok_01h455vb4pex5vsknk084sn02\u{0}",
  ])
  func anotherTextIsNoToken(text: String) {
    #expect(Token(text) == nil)
  }

  @Test func aTokenHasSixteenBytes() {
    let uuid = vectors()[2].uuid
    #expect(Token(bytes: Array(uuid.dropLast()).rawSpan) == nil)
    #expect(Token(bytes: (uuid + [0]).rawSpan) == nil)
    #expect(Token(bytes: [UInt8]().rawSpan) == nil)
  }

  @Test func tokensTextsAndBytesSortAlike() throws {
    let tokens = vectors().compactMap { Token("tok_" + $0.suffix) }.sorted()
    #expect(tokens.map(\.text) == tokens.map(\.text).sorted())
    for (first, second) in zip(tokens, tokens.dropFirst()) {
      #expect(bytes(first).lexicographicallyPrecedes(bytes(second)))
    }
  }

  @Test func aTokenTellsItsTime() throws {
    #expect(Token("tok_01h455vb4pex5vsknk084sn02q")?.milliseconds == 0x0189_0a5d_ac96)
  }

  @Test func everyTextThatIsReadIsWrittenTheSame() {
    var random = SeededGenerator(seed: 11)
    let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyzABC_- ".utf8)
    var acceptedCount = 0
    for _ in 0..<20_000 {
      var text = Array("tok_01h455vb4pex5vsknk084sn02q".utf8)
      for _ in 0...Int.random(in: 0...3, using: &random) {
        text[Int.random(in: 0..<text.count, using: &random)] =
          alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      let string = String(decoding: text, as: UTF8.self)
      guard let token = Token(string) else { continue }
      acceptedCount += 1
      #expect(token.text == string)
    }
    #expect(acceptedCount > 1_000)
  }
}

@Suite struct IdentifierSequenceTests {
  @Test func aNewMillisecondBeginsAtRandomAndGoesOnInRandomSteps() throws {
    var sequence = IdentifierSequence(after: nil)
    let first = try sequence.next(atMilliseconds: 1_000, random: .max, spread: 0)
    let second = try sequence.next(atMilliseconds: 1_000, random: 0, spread: 0)
    let third = try sequence.next(atMilliseconds: 1_000, random: 0, spread: .max)
    let fourth = try sequence.next(atMilliseconds: 1_001, random: 0, spread: 700)
    #expect(
      [first, second, third, fourth].map(\.milliseconds) == [1_000, 1_000, 1_000, 1_001])
    #expect([first, second, third, fourth].map(\.counter) == [0, 1, 17, 700])
    #expect(first.low == UInt64.max >> 2 | 1 << 63)
    #expect(second.low == UInt64(1) << 63)
  }

  @Test func aClockThatGoesBackwardsStopsNothing() throws {
    var sequence = IdentifierSequence(after: nil)
    var last = try sequence.next(atMilliseconds: 5_000, random: 0, spread: 0)
    for clock in [4_999, 0, 5_000, 4_000, 5_001, 5_000] as [UInt64] {
      let next = try sequence.next(atMilliseconds: clock, random: 0, spread: 0)
      #expect(next > last)
      last = next
    }
    #expect(last.milliseconds == 5_001)
  }

  @Test func aFullCountCarriesIntoTheTime() throws {
    var sequence = IdentifierSequence(after: nil)
    var last = try sequence.next(atMilliseconds: 7, random: 0, spread: 0)
    for _ in 0..<10_000 {
      let next = try sequence.next(atMilliseconds: 7, random: .max, spread: 0)
      #expect(next > last)
      last = next
    }
    #expect(last.milliseconds == 7 + 10_000 / 4_096)
    #expect(try sequence.next(atMilliseconds: 8, random: 0, spread: 0) > last)
  }

  @Test func aRestartGoesOnAfterTheLastToken() throws {
    var before = IdentifierSequence(after: nil)
    let last = try before.next(atMilliseconds: 9_000, random: .max, spread: 0)
    var after = IdentifierSequence(after: last)
    let next = try after.next(atMilliseconds: 8_000, random: 0, spread: 0)
    #expect(next > last)
    #expect(next.milliseconds == 9_000)
  }

  /// With a clock that is thirty seconds behind, a merchant that is given two tokens a second cannot
  /// count what another one is given meanwhile.
  @Test func whatIsGivenToOthersDoesNotAddUp() throws {
    var random = SystemRandomNumberGenerator()
    func places(others: Int) throws -> [UInt64] {
      var sequence = IdentifierSequence(after: nil)
      for clock in [100_000, 70_000] as [UInt64] {
        _ = try sequence.next(atMilliseconds: clock, random: 0, spread: random.next())
      }
      var places: [UInt64] = []
      for half in 1...120 {
        let clock = UInt64(70_000 + half * 500)
        for _ in 0..<others {
          _ = try sequence.next(atMilliseconds: clock, random: 0, spread: random.next())
        }
        let own = try sequence.next(
          atMilliseconds: clock + 20, random: 0, spread: random.next())
        places.append(own.milliseconds)
      }
      return places
    }
    let alone = try places(others: 0)
    // When it catches up depends on where in a second one looks.
    #expect(try places(others: 100).dropLast(2) == alone.dropLast(2))
    // Half as fast as the clock, until it has caught up.
    #expect(alone[1] - alone[0] == 250)
    #expect(alone.last == 130_020)
  }

  /// Nor within a millisecond: a single token's count says nothing of those before it.
  @Test func theCountOfATokenIsNoCount() throws {
    var random = SystemRandomNumberGenerator()
    var counts: Set<UInt16> = []
    var sequence = IdentifierSequence(after: nil)
    for clock in 1...200 as ClosedRange<UInt64> {
      counts.insert(
        try sequence.next(atMilliseconds: clock, random: 0, spread: random.next()).counter)
    }
    #expect(counts.count > 100)
  }

  @Test func theEndOfTimeIsAnError() throws {
    var sequence = IdentifierSequence(
      after: UUIDv7(milliseconds: 1 << 48 - 1, counter: 0xFFE, random: 0))
    let last = try sequence.next(atMilliseconds: 0, random: 0, spread: 0)
    #expect(last.counter == 0xFFF)
    #expect(throws: CardError.identifiersExhausted) {
      try sequence.next(atMilliseconds: .max, random: 0, spread: 0)
    }
  }
}
