/// What the cards of a range are: how long their numbers may be, and whose they are.
///
/// One immutable object for all ranges that say the same, since a bank's table has tens of thousands of
/// ranges and a handful of kinds.
package final class CardKind: Sendable {
  /// How many digits the numbers may have.
  package let lengths: Set<Int>
  /// The scheme whose range it is, and what else such a card carries.
  package let match: BrandMatch
  /// Whether the last digit is the check digit of those before it, as on nearly every card.
  package let hasCheckDigit: Bool

  /// Bit n is set where numbers of n digits are allowed.
  private let lengthBits: UInt32

  /// - Parameter coBrands: a co-badged card's other schemes.
  /// - Returns: nil for no length or one outside 12 to 19, and for a brand that is named twice.
  package init?(
    lengths: Set<Int>, brand: Brand, coBrands: [Brand] = [], hasCheckDigit: Bool = true
  ) {
    guard !lengths.isEmpty, lengths.allSatisfy(PAN.lengths.contains),
      Set(coBrands + [brand]).count == coBrands.count + 1
    else { return nil }
    self.lengths = lengths
    self.hasCheckDigit = hasCheckDigit
    match = BrandMatch(brand: brand, brands: [brand] + coBrands)
    lengthBits = lengths.reduce(0) { $0 | 1 << UInt32($1) }
  }

  /// Whether numbers of `count` digits are allowed; `count` is at most 31.
  func allows(_ count: Int) -> Bool { lengthBits & 1 << UInt32(count) != 0 }
}

extension CardKind: Hashable {
  /// Two kinds are equal where they say the same.
  package static func == (one: CardKind, other: CardKind) -> Bool {
    one === other
      || one.lengthBits == other.lengthBits && one.match == other.match
        && one.hasCheckDigit == other.hasCheckDigit
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(lengthBits)
    hasher.combine(match.brands)
    hasher.combine(hasCheckDigit)
  }
}

/// What a card is by its number.
package struct BrandMatch: Equatable, Sendable {
  /// The scheme whose range the number lies in.
  package let brand: Brand
  /// All schemes that the card carries, ``brand`` first.
  package let brands: [Brand]
}
