extension BrandTable {
  /// The table that serves where the operator gives none: the six brands of French shops.
  ///
  /// It knows what has been published: the schemes' own ranges, the prefixes of Visa Electron, and
  /// the main prefixes under which French banks issue co-badged CB cards. Banks know more, under
  /// contract; a shop for which the cardholder's choice of scheme matters replaces the table by
  /// its acquirer's.
  package static let standard: BrandTable = {
    do throws(CardError) {
      var ranges: [BrandRange] = []
      for (prefixes, lengths, brand, coBrands) in published {
        for (low, high) in prefixes {
          ranges.append(
            try BrandRange(
              low: low, high: high, lengths: lengths, brand: brand, coBrands: coBrands))
        }
      }
      return try BrandTable(ranges: ranges)
    } catch {
      preconditionFailure("the standard table is valid: \(error)")
    }
  }()

  private typealias Published = (
    prefixes: [(low: String, high: String)], lengths: Set<Int>, brand: Brand, coBrands: [Brand]
  )

  private static let published: [Published] = [
    ([("4", "4")], [13, 16, 19], .visa, []),
    // Visa cards of French banks, co-badged with CB.
    ([("4533", "4533"), ("4561", "4561"), ("4970", "4979")], [16], .visa, [.cb]),
    (
      [
        ("4026", "4026"), ("417500", "417500"), ("4405", "4405"), ("4508", "4508"),
        ("4844", "4844"), ("4913", "4913"), ("4917", "4917"),
      ], [16], .visaElectron, []
    ),
    ([("51", "55"), ("2221", "2720")], [16], .mastercard, []),
    // Mastercard cards of French banks, co-badged with CB; 5970 is the one that French banks' test
    // platforms use.
    ([("5131", "5136"), ("5970", "5970")], [16], .mastercard, [.cb]),
    (
      [
        ("500000", "509999"), ("56", "58"), ("6304", "6304"), ("6759", "6759"), ("6761", "6763"),
      ], Set(12...19), .maestro, []
    ),
    ([("34", "34"), ("37", "37")], [15], .amex, []),
  ]
}
