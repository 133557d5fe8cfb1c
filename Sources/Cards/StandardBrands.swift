extension BrandTable {
  /// The table that serves where the operator gives none: the six brands of French shops.
  ///
  /// It knows what has been published: the schemes' own ranges, what lies within those of Maestro and is
  /// another scheme's, the prefixes of Visa Electron, the main prefixes under which French banks issue
  /// co-badged CB cards, and those of acquirers' CB test cards. Banks know more, under contract; a shop for
  /// which the cardholder's choice of scheme matters replaces the table by its acquirer's. Sources stand in
  /// `deploy/brands.yaml`, which says the same.
  package static let standard: BrandTable = {
    do throws(CardError) {
      var ranges: [BrandRange] = []
      for (prefixes, kind) in published {
        for prefix in prefixes {
          let ends = prefix.split(separator: "-")
          guard let low = ends.first, let high = ends.last else { continue }
          ranges.append(try BrandRange(low: String(low), high: String(high), kind: kind))
        }
      }
      return try BrandTable(ranges: ranges)
    } catch {
      preconditionFailure("the standard table is valid: \(error)")
    }
  }()

  private static let published: [(prefixes: [String], kind: CardKind?)] = [
    (["4"], kind([13, 16, 19], .visa)),
    // Visa cards of French banks, co-badged with CB.
    (["4533", "4561", "4970-4979"], kind([16], .visa, .cb)),
    // Test cards of acquirers.
    (["403550", "436000", "437900"], kind([16], .visa, .cb)),
    (["4026", "417500", "4405", "4508", "4844", "4913", "4917"], kind([16], .visaElectron)),
    (["51-55", "2221-2720"], kind([16], .mastercard)),
    // Mastercard cards of French banks, co-badged with CB; 5970 is the one that French banks' test
    // platforms use.
    (["5131-5136", "5970"], kind([16], .mastercard, .cb)),
    (
      ["50", "56-58", "6304", "639000-639099", "670000-679999"],
      kind(Set(12...19), .maestro)
    ),
    // Elo's and Verve's, within those of Maestro.
    (["504175", "506699-506778", "509000-509999"], nil),
    (["506099-506198", "507865-507964"], nil),
    (["34", "37"], kind([15], .amex)),
  ]

  private static func kind(_ lengths: Set<Int>, _ brand: Brand, _ coBrands: Brand...) -> CardKind {
    guard let kind = CardKind(lengths: lengths, brand: brand, coBrands: coBrands) else {
      preconditionFailure("the standard table is valid")
    }
    return kind
  }
}
