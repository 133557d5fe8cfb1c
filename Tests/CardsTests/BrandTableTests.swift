import Bytes
import Cards
import TestSupport
import Testing

private func brands(_ number: String, _ table: BrandTable = .standard) throws -> [String] {
  let pool = try makePool()
  let match = try table.match(try parse(number, in: pool))
  #expect(match.brand == match.brands.first)
  return match.brands.map(\.name)
}

@Suite struct BrandTableTests {
  @Test(arguments: [
    ("4970105181818183", ["visa", "cb"]), ("4970100000000014", ["visa", "cb"]),
    ("4111111111111111", ["visa"]), ("4242424242424242", ["visa"]),
    ("4917300800000000", ["visa_electron"]), ("5555555555554444", ["mastercard"]),
    ("2223003122003222", ["mastercard"]), ("5970100300000018", ["mastercard", "cb"]),
    ("6759649826438453", ["maestro"]), ("378282246310005", ["amex"]),
    // Maestro: Adyen (Belgium), Bancontact, Mastercard's own range, others.
    ("6799998900000099990", ["maestro"]), ("6703444444444449", ["maestro"]),
    ("639002000000000003", ["maestro"]), ("6771798021000008", ["maestro"]),
    ("6304000000000000", ["maestro"]),
    // Cartes Bancaires: Adyen, Lyra.
    ("4035501428146300", ["visa", "cb"]), ("4035501000000008", ["visa", "cb"]),
    ("4360000001000005", ["visa", "cb"]), ("4379000000001110", ["visa", "cb"]),
  ])
  func aPublishedTestNumberHasItsBrands(number: String, expected: [String]) throws {
    #expect(try brands(number) == expected)
  }

  /// Of a vendor's Maestro test card for terminals; no document has its range.
  @Test(arguments: ["6000070736169237003", "6011111111111117", "3530111333300000"])
  func aPublishedTestNumberOfNoBrandIsRefused(number: String) {
    #expect(throws: CardError.unsupportedBrand) { try brands(number) }
  }

  @Test(arguments: [
    ("2221", 16, "mastercard"), ("2720", 16, "mastercard"), ("2220", 16, nil), ("2721", 16, nil),
    ("51", 16, "mastercard"), ("55", 16, "mastercard"), ("500000", 12, "maestro"),
    ("508999", 19, "maestro"), ("5018", 13, "maestro"), ("56", 16, "maestro"),
    ("58", 16, "maestro"), ("59", 16, nil), ("6304", 16, "maestro"), ("6763", 18, "maestro"),
    ("639000", 18, "maestro"), ("639099", 16, "maestro"), ("638999", 16, nil), ("639100", 16, nil),
    ("670000", 12, "maestro"), ("679999", 19, "maestro"), ("669999", 16, nil), ("680000", 16, nil),
    ("6759", 16, "maestro"), ("6761", 16, "maestro"), ("6305", 16, nil), ("600007", 19, nil),
    // Elo, and where it ends.
    ("504174", 16, "maestro"), ("504175", 16, nil), ("504176", 16, "maestro"),
    ("506698", 16, "maestro"), ("506699", 16, nil), ("506778", 16, nil), ("506779", 16, "maestro"),
    ("509000", 16, nil), ("509999", 16, nil), ("509999", 19, nil), ("510000", 16, "mastercard"),
    // Verve.
    ("506098", 16, "maestro"), ("506099", 16, nil), ("506198", 19, nil), ("506199", 16, "maestro"),
    ("507864", 16, "maestro"), ("507865", 16, nil), ("507964", 16, nil), ("507965", 16, "maestro"),
    // The test cards of acquirers, and nothing beside them.
    ("403549", 16, "visa"), ("403551", 16, "visa"), ("435999", 16, "visa"), ("436001", 16, "visa"),
    ("437899", 16, "visa"), ("437901", 16, "visa"), ("34", 15, "amex"), ("37", 15, "amex"),
    ("35", 16, nil),
    ("417500", 16, "visa_electron"), ("417501", 16, "visa"), ("4026", 16, "visa_electron"),
    ("4", 13, "visa"), ("4", 19, "visa"), ("6011", 16, nil), ("3528", 16, nil), ("62", 16, nil),
    ("30", 14, nil), ("0", 12, nil), ("9", 19, nil),
  ])
  func aRangeEndsWhereItIsPublishedToEnd(prefix: String, count: Int, brand: String?) throws {
    let number = number(beginningWith: prefix, count: count)
    if let brand {
      #expect(try brands(number).first == brand)
    } else {
      #expect(throws: CardError.unsupportedBrand) { try brands(number) }
    }
  }

  @Test(arguments: [("4", 14), ("4", 12), ("4970", 19), ("4917", 13), ("51", 15), ("37", 16)])
  func aLengthThatTheBrandDoesNotHaveIsNoNumber(prefix: String, count: Int) throws {
    #expect(throws: CardError.invalidNumber) {
      try brands(number(beginningWith: prefix, count: count))
    }
  }

  @Test func theStandardTableKnowsSixBrands() {
    #expect(
      BrandTable.standard.brands.map(\.name)
        == ["amex", "cb", "maestro", "mastercard", "visa", "visa_electron"])
  }

  @Test func theLongestPrefixWins() throws {
    let table = try BrandTable(ranges: [
      BrandRange(low: "4", high: "5", lengths: [16], brand: .visa),
      BrandRange(low: "497010518181", high: "497010518181", lengths: [16], brand: .amex),
      BrandRange(low: "4970", high: "4979", lengths: [16], brand: .cb),
      BrandRange(low: "497010", high: "497019", lengths: [16], brand: .maestro, coBrands: [.cb]),
    ])
    #expect(try brands("4970105181818183", table) == ["amex"])
    #expect(try brands("4970100000000014", table) == ["maestro", "cb"])
    #expect(try brands(number(beginningWith: "49702", count: 16), table) == ["cb"])
    #expect(try brands(number(beginningWith: "4980", count: 16), table) == ["visa"])
    #expect(try brands("5555555555554444", table) == ["visa"])
    #expect(throws: CardError.unsupportedBrand) { try brands("378282246310005", table) }
  }

  @Test func aTableWithoutRangesHoldsNothing() throws {
    let table = try BrandTable(ranges: [])
    #expect(throws: CardError.unsupportedBrand) { try brands("4111111111111111", table) }
  }

  @Test func rangesOfTheSameLengthMayNotOverlap() throws {
    let ranges = [
      try BrandRange(low: "4970", high: "4979", lengths: [16], brand: .visa),
      try BrandRange(low: "4", high: "4", lengths: [16], brand: .visa),
      try BrandRange(low: "4979", high: "4980", lengths: [16], brand: .cb),
    ]
    #expect(throws: CardError.overlappingRanges("4970-4979", "4979-4980")) {
      try BrandTable(ranges: ranges)
    }
  }

  @Test(arguments: [
    ("", ""), ("49", "4"), ("5", "4"), ("4a", "4b"), ("٤", "٤"),
    ("1234567890123", "1234567890123"), (" 4", " 5"),
  ])
  func aRangeHasTwoPrefixesInOrder(low: String, high: String) {
    #expect(throws: CardError.invalidRange(low: low, high: high)) {
      try BrandRange(low: low, high: high, lengths: [16], brand: .visa)
    }
  }

  @Test func aRangeHasLengthsAndDistinctBrands() {
    for lengths in [[], [11], [16, 20]] as [Set<Int>] {
      #expect(throws: CardError.invalidRange(low: "4", high: "4")) {
        try BrandRange(low: "4", high: "4", lengths: lengths, brand: .visa)
      }
    }
    #expect(throws: CardError.invalidRange(low: "4", high: "4")) {
      try BrandRange(low: "4", high: "4", lengths: [16], brand: .visa, coBrands: [.cb, .cb])
    }
  }

  @Test func lookupAgreesWithASearchThroughAllRanges() throws {
    var random = SeededGenerator(seed: 7)
    let pool = try makePool()
    for _ in 0..<3_000 {
      var prefix = String(Int.random(in: 1...9, using: &random))
      for _ in 0..<6 { prefix += String(Int.random(in: 0...9, using: &random)) }
      let number = number(beginningWith: prefix, count: 16)
      let expected = BrandTable.standard.ranges
        .filter {
          let start = String(number.prefix($0.low.utf8.count))
          return $0.low <= start && start <= $0.high
        }
        .max { $0.prefixLength < $1.prefixLength }
      let pan = try parse(number, in: pool)
      let match = try? BrandTable.standard.match(pan)
      #expect(
        match?.brand == (expected?.kind?.lengths.contains(16) == true ? expected?.brand : nil))
    }
  }
}

@Suite struct BrandTests {
  @Test(arguments: ["cb", "a", "visa_electron", "x23456789012345", "_"])
  func aNameIsLowerCase(name: String) {
    #expect(Brand(name)?.name == name)
    #expect(Brand(Array(name.utf8).rawSpan)?.name == name)
  }

  @Test(arguments: ["", "Visa", "a-b", "a b", "x234567890123456", "é", "visa\u{0}"])
  func anotherFormIsNoName(name: String) {
    #expect(Brand(name) == nil)
    #expect(Brand(Array(name.utf8).rawSpan) == nil)
  }
}
