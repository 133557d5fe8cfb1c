import Bytes
import Cards
import SecretMemory
import TestSupport
import Testing

/// Holes, ranges without check digits, tables of many ranges, and what changes between two tables.
@Suite struct BrandRangeTests {
  private func range(
    _ prefixes: String, _ brand: Brand?, _ coBrands: [Brand] = [], lengths: Set<Int> = [16],
    luhn: Bool = true
  ) throws -> BrandRange {
    let ends = prefixes.split(separator: "-").map(String.init)
    guard let brand else {
      return try BrandRange(low: ends[0], high: ends[ends.count - 1], kind: nil)
    }
    return try BrandRange(
      low: ends[0], high: ends[ends.count - 1], lengths: lengths, brand: brand, coBrands: coBrands,
      hasCheckDigit: luhn)
  }

  private func brand(
    _ number: String, _ table: BrandTable, in pool: SecretPool? = nil
  ) throws -> String {
    let pool = try pool ?? makePool()
    guard let slot = pool.lease() else { throw PoolIsEmpty() }
    var builder = PANBuilder(slot: slot)
    for byte in number.utf8 { try builder.append(byte) }
    return try table.match(try builder.finish(by: table)).brand.name
  }

  @Test func anExcludedRangeIsAHole() throws {
    let table = try BrandTable(ranges: [
      range("5", .maestro), range("50-51", nil), range("5012", .mastercard),
    ])
    #expect(try brand(number(beginningWith: "52", count: 16), table) == "maestro")
    #expect(try brand(number(beginningWith: "5012", count: 16), table) == "mastercard")
    #expect(throws: CardError.unsupportedBrand) {
      try brand(number(beginningWith: "5013", count: 16), table)
    }
    // Whatever their length: nothing is said of numbers that are nobody's.
    #expect(throws: CardError.unsupportedBrand) {
      try brand(number(beginningWith: "5013", count: 13), table)
    }
    #expect(table.brands.map(\.name) == ["maestro", "mastercard"])
  }

  @Test func aRangeWithoutCheckDigitsTakesEveryLastDigit() throws {
    let table = try BrandTable(ranges: [
      range("62", .maestro, lengths: [16, 17], luhn: false), range("4", .visa),
    ])
    let pool = try makePool()
    for last in 0...9 {
      let brand = try self.brand("622222222222222\(last)", table, in: pool)
      #expect(brand == "maestro")
    }
    for wrong in ["4111111111111112", "6011111111111112"] {
      #expect(throws: CardError.invalidNumber) { try brand(wrong, table, in: pool) }
    }
    #expect(pool.slotsInUse == 0)
  }

  @Test func whatCouldBeTokenizedIsFoundInTexts() throws {
    let table = try BrandTable(ranges: [
      range("622222", .maestro, lengths: [16], luhn: false), range("4", .visa),
    ])
    func finds(_ text: String) -> Bool { table.findsNumber(in: Array(text.utf8).rawSpan) }
    #expect(finds("order-6222221234567892"))
    #expect(finds("6222-2212-3456-7891"))
    #expect(!finds("order-62222212345678902"), "another length")
    #expect(!finds("order-6222231234567890"), "another prefix")
    #expect(finds("4111111111111111"))
    #expect(!finds("4111111111111112"), "where digits are checked, a wrong one is an order number")
  }

  @Test func ofManyRangesEachIsFound() throws {
    var random = SeededGenerator(seed: 11)
    let kinds = [
      CardKind(lengths: [16], brand: .visa), CardKind(lengths: [16], brand: .visa, coBrands: [.cb]),
      nil,
    ]
    var ranges: [BrandRange] = []
    var next: UInt64 = 4_000_000_000
    while ranges.count < 65_536 {
      let width = UInt64.random(in: 1...900, using: &random)
      ranges.append(
        try BrandRange(
          low: String(next), high: String(next + width - 1), kind: kinds[ranges.count % 3]))
      next += width + UInt64.random(in: 0...3, using: &random)
    }
    let table = try BrandTable(ranges: ranges)
    let pool = try makePool()
    for _ in 0..<2_000 {
      let index = Int.random(in: 0..<ranges.count, using: &random)
      for prefix in [ranges[index].low, ranges[index].high] {
        let pan = try parse(number(beginningWith: prefix, count: 16), in: pool)
        let found = try? table.match(pan)
        #expect(found == ranges[index].kind?.match)
      }
    }
    #expect(table.hiddenRanges.isEmpty)
  }

  @Test func tooManyRangesAreRefused() throws {
    let ranges = try (0...BrandTable.mostRanges).map {
      try BrandRange(low: String(4_000_000 + $0), high: String(4_000_000 + $0), kind: nil)
    }
    #expect(throws: CardError.tooManyRanges) { try BrandTable(ranges: ranges) }
    #expect(throws: Never.self) { try BrandTable(ranges: Array(ranges.dropLast())) }
  }

  @Test func everyOverlapIsNamed() throws {
    let ranges = [
      try range("40-49", .visa), try range("45", .visa), try range("4", .visa),
      try range("49-51", .visa), try range("52", .visa), try range("51", .visa),
    ]
    let overlaps = BrandTable.overlaps(of: ranges)
    #expect(overlaps.map(\.earlier) == [0, 0, 3])
    #expect(overlaps.map(\.later) == [1, 3, 5])
  }

  @Test func aRangeBehindLongerOnesIsHidden() throws {
    let table = try BrandTable(ranges: [
      range("4970", .visa), range("49700-49704", .cb), range("49705-49709", .visa, [.cb]),
    ])
    #expect(table.hiddenRanges.map(\.name) == ["4970"])
  }

  @Test func tablesThatSayTheSameInOtherWordsDoNotDiffer() throws {
    let one = try BrandTable(ranges: [range("4970-4979", .visa, [.cb]), range("4", .visa)])
    let other = try BrandTable(ranges: [
      range("400-496", .visa), range("497", .visa, [.cb]), range("498-499", .visa),
    ])
    #expect(one != other)
    #expect(one.changes(to: other).isEmpty)
    #expect(other.changes(to: one).isEmpty)
    #expect(BrandTable.standard.changes(to: .standard).isEmpty)
  }

  @Test func changesAreTold() throws {
    let before = try BrandTable(ranges: [range("4", .visa), range("51-55", .mastercard)])
    let after = try BrandTable(ranges: [
      range("4", .visa), range("4970-4979", .visa, [.cb]), range("4917", nil),
      range("51-55", .mastercard, luhn: false), range("67", .maestro, lengths: [16, 19]),
    ])
    let changes = before.changes(to: after)
    #expect(changes.map { prefixes(of: $0.numbers) } == ["4917", "497", "51-55", "67"])
    #expect(changes.map { $0.before?.match.brand.name } == ["visa", "visa", "mastercard", nil])
    #expect(changes.map { $0.after?.match.brand.name } == [nil, "visa", "mastercard", "maestro"])
    #expect(changes.map { $0.after?.hasCheckDigit } == [nil, true, false, true])
    #expect(after.changes(to: before).map(\.numbers) == changes.map(\.numbers))
  }

  @Test func changesOfRandomTablesAreThoseOfEachNumber() throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<40 {
      let one = try randomTable(&random)
      let other = try randomTable(&random)
      let changes = one.changes(to: other)
      for prefix in 0..<10_000 as Range<UInt64> {
        let number = prefix * 100_000_000
        let before = one.stretches(in: number...number)[0].kind
        let after = other.stretches(in: number...number)[0].kind
        let change = changes.first { $0.numbers.contains(number) }
        #expect((change != nil) == (before != after))
        if let change { #expect(change.before == before && change.after == after) }
      }
    }
  }

  private func randomTable(_ random: inout SeededGenerator) throws -> BrandTable {
    let brands: [Brand?] = [.visa, .cb, .maestro, nil]
    var ranges: [BrandRange] = []
    for length in 1...4 {
      var next = 0
      let end = (0..<length).reduce(1) { value, _ in value * 10 }
      while true {
        let low = next + Int.random(in: 0...end / 3, using: &random)
        let high = low + Int.random(in: 0...end / 5, using: &random)
        guard high < end else { break }
        let (first, last) = (padded(low, length), padded(high, length))
        ranges.append(
          try range("\(first)-\(last)", brands[Int.random(in: 0..<4, using: &random)]))
        next = high + 1
      }
    }
    return try BrandTable(ranges: ranges)
  }

  private func padded(_ value: Int, _ length: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: length - text.count) + text
  }

  @Test func numbersAreNamedByTheShortestPrefixes() {
    #expect(prefixes(of: 497_000_000_000...497_999_999_999) == "497")
    #expect(prefixes(of: 497_000_000_000...497_899_999_999) == "4970-4978")
    #expect(prefixes(of: 0...999_999_999_999) == "0-9")
    #expect(prefixes(of: 40_000_000_000...49_999_999_999) == "04")
    #expect(prefixes(of: 123_456_789_012...123_456_789_012) == "123456789012")
  }
}
