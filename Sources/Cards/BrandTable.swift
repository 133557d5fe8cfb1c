import Bytes

/// The numbers that begin with a prefix between two others, and what cards with them are.
package struct BrandRange: Equatable, Sendable {
  /// How many digits a prefix has.
  package static let prefixLengths = 1...12

  /// The lowest prefix, 1 to 12 digits.
  package let low: String
  /// The highest prefix, of as many digits.
  package let high: String
  /// How many digits the numbers may have.
  package let lengths: Set<Int>
  /// The scheme whose range it is.
  package let brand: Brand
  /// What else such a card carries: a co-badged card's other schemes.
  package let coBrands: [Brand]

  /// - Throws: ``CardError/invalidRange(low:high:)`` for prefixes that are not 1 to 12 digits of
  ///   equal length in ascending order, for no length or one outside 12 to 19, and for a brand that
  ///   is named twice.
  package init(
    low: String, high: String, lengths: Set<Int>, brand: Brand, coBrands: [Brand] = []
  ) throws(CardError) {
    guard BrandRange.prefixLengths.contains(low.utf8.count), low.utf8.count == high.utf8.count,
      low.utf8.allSatisfy(isDigit), high.utf8.allSatisfy(isDigit), low <= high,
      !lengths.isEmpty, lengths.allSatisfy(PAN.lengths.contains),
      Set(coBrands + [brand]).count == coBrands.count + 1
    else { throw .invalidRange(low: low, high: high) }
    self.low = low
    self.high = high
    self.lengths = lengths
    self.brand = brand
    self.coBrands = coBrands
  }

  /// The range as a person would name it, for messages: `4970-4979`, or `4026`.
  package var name: String { low == high ? low : "\(low)-\(high)" }

  /// The numbers of the range, cut to 12 digits.
  var numbers: ClosedRange<UInt64> {
    var scale: UInt64 = 1
    for _ in low.utf8.count..<12 { scale *= 10 }
    return value(low) * scale...(value(high) + 1) * scale - 1
  }

  private func value(_ digits: String) -> UInt64 {
    digits.utf8.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
  }
}

/// What a card is by its number.
package struct BrandMatch: Equatable, Sendable {
  /// The scheme whose range the number lies in.
  package let brand: Brand
  /// All schemes that the card carries, ``brand`` first.
  package let brands: [Brand]
}

/// Tells a card's schemes by the first digits of its number.
///
/// Where ranges overlap, the one with the longest prefix wins. Lookup is one binary search.
package struct BrandTable: Sendable {
  /// How many ranges a table holds at most.
  package static let mostRanges = 4_096

  /// The ranges as they were given.
  package let ranges: [BrandRange]

  /// The lowest number of each stretch, ascending, cut to ``prefixLength`` digits; a stretch ends
  /// where the next one begins.
  private let starts: [UInt64]
  /// What holds in the stretch that begins at the same index of ``starts``; nil for a gap.
  private let stretches: [Stretch?]
  /// How many digits the longest prefix has: more of a number is never looked at.
  private let prefixLength: Int

  private struct Stretch: Equatable {
    var range: Int
    /// Bit n is set where numbers of n digits are allowed.
    var lengths: UInt32
    var match: BrandMatch

    func allows(_ count: Int) -> Bool { lengths & 1 << UInt32(count) != 0 }
  }

  /// - Throws: ``CardError/overlappingRanges(_:_:)`` for two ranges with prefixes of the same length
  ///   that share numbers, and ``CardError/tooManyRanges``.
  package init(ranges: [BrandRange]) throws(CardError) {
    guard ranges.count <= BrandTable.mostRanges else { throw .tooManyRanges }
    self.ranges = ranges
    prefixLength = ranges.map(\.low.utf8.count).max() ?? 0
    (starts, stretches) = BrandTable.flatten(
      try BrandTable.levels(of: ranges), ranges, prefixLength: prefixLength)
  }

  /// The schemes of the card with this number.
  ///
  /// - Throws: ``CardError/unsupportedBrand`` where no range holds it, and
  ///   ``CardError/invalidNumber`` where the range that does allows no number of this length.
  package func match(_ pan: borrowing PAN) throws(CardError) -> BrandMatch {
    guard let stretch = stretch(of: pan.prefix(length: prefixLength)) else {
      throw .unsupportedBrand
    }
    guard stretch.allows(pan.count) else { throw .invalidNumber }
    return stretch.match
  }

  /// Whether a range holds the numbers that begin with these twelve digits and have `count` of them.
  func hasRange(_ prefix: UInt64, _ count: Int) -> Bool {
    var prefix = prefix
    for _ in prefixLength..<DigitGroups.prefixLength { prefix /= 10 }
    return stretch(of: prefix)?.allows(count) == true
  }

  /// What holds for the first ``prefixLength`` digits of a number.
  private func stretch(of prefix: UInt64) -> Stretch? {
    // The first start above the prefix; the stretch before it holds the prefix.
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= prefix { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? stretches[low - 1] : nil
  }

  /// Every brand that the table can answer, sorted.
  package var brands: [Brand] {
    Set(ranges.flatMap { $0.coBrands + [$0.brand] }).sorted()
  }
}

// MARK: - Flattening

extension BrandTable {
  /// The indices of ranges by the length of their prefixes (index 0 is unused), each level
  /// ascending and without overlap.
  private static func levels(of ranges: [BrandRange]) throws(CardError) -> [[Int]] {
    var levels = [[Int]](repeating: [], count: BrandRange.prefixLengths.upperBound + 1)
    for index in ranges.indices.sorted(by: { ranges[$0].low < ranges[$1].low }) {
      let range = ranges[index]
      let level = range.low.utf8.count
      if let previous = levels[level].last, ranges[previous].high >= range.low {
        throw .overlappingRanges(ranges[previous].name, range.name)
      }
      levels[level].append(index)
    }
    return levels
  }

  private static func flatten(
    _ levels: [[Int]], _ ranges: [BrandRange], prefixLength: Int
  ) -> (starts: [UInt64], stretches: [Stretch?]) {
    let scale = (prefixLength..<12).reduce(into: UInt64(1)) { scale, _ in scale *= 10 }
    let boundaries = Set(ranges.flatMap { [$0.numbers.lowerBound, $0.numbers.upperBound + 1] })
    var starts: [UInt64] = []
    var stretches: [Stretch?] = []
    for start in boundaries.sorted() {
      let winner = levels.reversed().lazy.compactMap { find(start, in: $0, ranges) }.first
      if winner == stretches.last??.range, !stretches.isEmpty { continue }
      starts.append(start / scale)
      stretches.append(winner.map { stretch(of: $0, ranges[$0]) })
    }
    return (starts, stretches)
  }

  /// The one range of a level that holds `number`, or nil.
  private static func find(_ number: UInt64, in level: [Int], _ ranges: [BrandRange]) -> Int? {
    var (low, high) = (0, level.count)
    while low < high {
      let middle = (low + high) / 2
      let numbers = ranges[level[middle]].numbers
      if numbers.contains(number) { return level[middle] }
      if number < numbers.lowerBound { high = middle } else { low = middle + 1 }
    }
    return nil
  }

  private static func stretch(of index: Int, _ range: BrandRange) -> Stretch {
    Stretch(
      range: index, lengths: range.lengths.reduce(0) { $0 | 1 << UInt32($1) },
      match: BrandMatch(brand: range.brand, brands: [range.brand] + range.coBrands))
  }
}
