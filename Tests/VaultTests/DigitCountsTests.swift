import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

@Suite struct DigitCountsTests {
  private static let hour = DigitCounts.windowSeconds

  @Test func `the number after the last that may be new waits until the first is an hour old`() {
    var counts = DigitCounts(most: 3, mostPairs: 8)
    for number in 0..<3 {
      #expect(counts.wait(for: 7, at: 100) == nil)
      counts.note(UInt32(number), for: 7, at: 100 + UInt32(number))
    }
    #expect(counts.wait(for: 7, at: 102) == Int(Self.hour) - 2)
    #expect(counts.wait(for: 8, at: 102) == nil)
    #expect(counts.wait(for: 7, at: 100 + Self.hour - 1) == 1)
    #expect(counts.wait(for: 7, at: 100 + Self.hour) == nil)
    counts.note(9, for: 7, at: 100 + Self.hour)
    #expect(counts.wait(for: 7, at: 100 + Self.hour) == 1)
  }

  @Test func `a number counts once`() {
    var counts = DigitCounts(most: 2, mostPairs: 8)
    for second in 0..<50 { counts.note(1, for: 7, at: UInt32(second)) }
    #expect(counts.wait(for: 7, at: 50) == nil)
    counts.note(2, for: 7, at: 50)
    #expect(counts.wait(for: 7, at: 50) != nil)
  }

  @Test func `a bound of one takes one number an hour`() {
    var counts = DigitCounts(most: 1, mostPairs: 8)
    counts.note(1, for: 7, at: 0)
    #expect(counts.wait(for: 7, at: 0) == Int(Self.hour))
    #expect(counts.wait(for: 7, at: Self.hour) == nil)
    counts.note(2, for: 7, at: Self.hour)
    #expect(counts.wait(for: 7, at: Self.hour) == Int(Self.hour))
  }

  @Test func `at the bound of pairs the one with the lowest count is forgotten`() {
    var counts = DigitCounts(most: 2, mostPairs: 4)
    counts.note(1, for: 100, at: 0)
    counts.note(2, for: 100, at: 0)
    for pair in 0..<1_000 { counts.note(1, for: UInt64(pair), at: 1) }
    #expect(counts.pairs == 4)
    #expect(counts.forgotten == 996)
    #expect(counts.wait(for: 100, at: 1) != nil, "a flood of others hid the guesses")
  }

  @Test func `pairs whose hour is over make room`() {
    var counts = DigitCounts(most: 2, mostPairs: 1_000)
    for pair in 0..<1_000 {
      counts.note(1, for: UInt64(pair), at: UInt32(pair))
      if pair.isMultiple(of: 3) { counts.note(2, for: UInt64(pair), at: UInt32(pair)) }
    }
    counts.endOld(at: Self.hour + 499)
    #expect(counts.pairs == 500)
    counts.endOld(at: Self.hour + 999)
    #expect(counts.pairs == 0)
    counts.note(5, for: 1, at: Self.hour + 1_000)
    #expect(counts.pairs == 1)
    #expect(counts.forgotten == 0)
  }

  /// The same as a plain list of what was new says, for any order of calls.
  @Test(arguments: 0..<20) func `it counts as a plain list would`(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let most = Int.random(in: 1...4, using: &random)
    var counts = DigitCounts(most: most, mostPairs: 64)
    var plain: [(pair: UInt64, number: UInt32, second: UInt32)] = []
    var now: UInt32 = 0
    for _ in 0..<3_000 {
      now += UInt32.random(in: 0...120, using: &random)
      let pair = UInt64.random(in: 0..<20, using: &random)
      let number = UInt32.random(in: 0..<8, using: &random)
      plain.removeAll { $0.second + Self.hour <= now }
      let ofPair = plain.filter { $0.pair == pair }
      let expected = ofPair.count >= most ? Int(ofPair[0].second + Self.hour - now) : nil
      #expect(counts.wait(for: pair, at: now) == expected)
      if expected == nil {
        counts.note(number, for: pair, at: now)
        if !ofPair.contains(where: { $0.number == number }) { plain.append((pair, number, now)) }
      }
      if Int.random(in: 0..<10, using: &random) == 0 { counts.endOld(at: now) }
    }
  }
}
