/// Tells a card's schemes by the first digits of its number.
///
/// Where ranges overlap, the one with the longest prefix wins. Lookup is one binary search. An immutable
/// object: whoever looks numbers up keeps the one that was in force when its request came.
package final class BrandTable: Sendable {
  /// How many ranges a table holds at most.
  package static let mostRanges = 262_144

  /// The ranges as they were given.
  package let ranges: [BrandRange]

  /// The lowest number of each stretch, ascending, cut to ``prefixLength`` digits; a stretch ends
  /// where the next one begins.
  private let starts: [UInt64]
  /// The index of the range that holds in the stretch at the same index of ``starts``; -1 for a gap.
  private let winners: [Int32]
  /// How many digits the longest prefix has: more of a number is never looked at.
  private let prefixLength: Int
  /// Whether numbers of some range need no check digit.
  private let hasUnchecked: Bool

  /// - Throws: ``CardError/overlappingRanges(_:_:)`` for two ranges with prefixes of the same length
  ///   that share numbers, and ``CardError/tooManyRanges``.
  package init(ranges: [BrandRange]) throws(CardError) {
    guard ranges.count <= BrandTable.mostRanges else { throw .tooManyRanges }
    let levels = BrandTable.levels(of: ranges)
    if let pair = BrandTable.overlaps(of: ranges, levels).first {
      throw .overlappingRanges(ranges[pair.earlier].name, ranges[pair.later].name)
    }
    self.ranges = ranges
    prefixLength = ranges.map(\.prefixLength).max() ?? 0
    hasUnchecked = ranges.contains { $0.kind?.hasCheckDigit == false }
    (starts, winners) = BrandTable.flatten(levels, ranges, prefixLength: prefixLength)
  }

  /// The schemes of the card with this number.
  ///
  /// - Throws: ``CardError/unsupportedBrand`` where no range holds it, and
  ///   ``CardError/invalidNumber`` where the range that does allows no number of this length.
  package func match(_ pan: borrowing PAN) throws(CardError) -> BrandMatch {
    guard let kind = kind(of: pan.prefix(length: prefixLength)) else { throw .unsupportedBrand }
    guard kind.allows(pan.count) else { throw .invalidNumber }
    return kind.match
  }

  /// Whether the number lies in a range whose numbers need no check digit.
  func needsNoCheckDigit(_ pan: borrowing PAN) -> Bool {
    hasUnchecked && kind(of: pan.prefix(length: prefixLength))?.hasCheckDigit == false
  }

  /// Whether a number that begins with these twelve digits and has `count` of them could be a card's.
  ///
  /// - Parameter isChecked: whether its last digit is its check digit.
  func couldHold(_ prefix: UInt64, _ count: Int, isChecked: Bool) -> Bool {
    guard isChecked || hasUnchecked else { return false }
    let index = index(of: prefix / powerOfTen(DigitGroups.prefixLength - prefixLength))
    guard index >= 0, winners[index] >= 0 else { return false }
    // Numbers that the table excludes are cards all the same: of whom does not matter here.
    guard let kind = ranges[Int(winners[index])].kind else { return isChecked }
    return kind.allows(count) && (isChecked || !kind.hasCheckDigit)
  }

  /// What cards are whose numbers begin with these ``prefixLength`` digits; nil where no range holds them,
  /// or one that excludes them.
  private func kind(of prefix: UInt64) -> CardKind? {
    let index = index(of: prefix)
    guard index >= 0, winners[index] >= 0 else { return nil }
    return ranges[Int(winners[index])].kind
  }

  /// The index of the stretch that holds the numbers which begin with these ``prefixLength`` digits; -1 below
  /// the first.
  private func index(of prefix: UInt64) -> Int {
    // The first start above the prefix; the stretch before it holds the prefix.
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= prefix { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }

  /// Every brand that the table can answer, sorted.
  package var brands: [Brand] {
    Set(ranges.flatMap { $0.kind?.match.brands ?? [] }).sorted()
  }
}

extension BrandTable: Equatable {
  /// Two tables are equal where they were given the same ranges in the same order.
  package static func == (one: BrandTable, other: BrandTable) -> Bool {
    one === other || one.ranges == other.ranges
  }
}

// MARK: - Stretches

extension BrandTable {
  /// Numbers for which one range, or none, decides.
  package struct Stretch {
    /// The numbers, cut to 12 digits.
    package let numbers: ClosedRange<UInt64>
    /// The range that decides; nil where none holds the numbers.
    package let range: BrandRange?

    /// What their cards are; nil where no range holds them, or one that excludes them.
    package var kind: CardKind? { range?.kind }
  }

  /// What the table says of all numbers in `numbers`, which are cut to 12 digits, in ascending order.
  package func stretches(in numbers: ClosedRange<UInt64>) -> [Stretch] {
    let scale = powerOfTen(12 - prefixLength)
    var stretches: [Stretch] = []
    var next = numbers.lowerBound
    var index = index(of: next / scale)
    while next <= numbers.upperBound {
      let isLast = index + 1 == starts.count
      let end = isLast ? numbers.upperBound : min(starts[index + 1] * scale - 1, numbers.upperBound)
      let winner = index < 0 ? -1 : Int(winners[index])
      stretches.append(Stretch(numbers: next...end, range: winner < 0 ? nil : ranges[winner]))
      next = end + 1
      index += 1
    }
    return stretches
  }

  /// The ranges that decide about no number, since longer prefixes hold all of theirs; in the order in which
  /// they were given.
  package var hiddenRanges: [BrandRange] {
    let seen = Set(winners)
    return ranges.indices.filter { !seen.contains(Int32($0)) }.map { ranges[$0] }
  }
}

// MARK: - Flattening

extension BrandTable {
  /// Two ranges, by their indices, with prefixes of one length that share numbers.
  package typealias Overlap = (earlier: Int, later: Int)

  /// Every range that shares numbers with one of lower prefixes, both of one length, with that one.
  package static func overlaps(of ranges: [BrandRange]) -> [Overlap] {
    overlaps(of: ranges, levels(of: ranges))
  }

  private static func overlaps(of ranges: [BrandRange], _ levels: [[Int]]) -> [Overlap] {
    var overlaps: [Overlap] = []
    for level in levels {
      guard var widest = level.first else { continue }
      for index in level.dropFirst() {
        let end = ranges[widest].numbers.upperBound
        if end >= ranges[index].numbers.lowerBound { overlaps.append((widest, index)) }
        if end < ranges[index].numbers.upperBound { widest = index }
      }
    }
    return overlaps
  }

  /// The indices of ranges by the length of their prefixes (index 0 is unused), each level ascending.
  private static func levels(of ranges: [BrandRange]) -> [[Int]] {
    var levels = [[Int]](repeating: [], count: BrandRange.prefixLengths.upperBound + 1)
    for (index, range) in ranges.enumerated() { levels[range.prefixLength].append(index) }
    for level in levels.indices {
      levels[level].sort { ranges[$0].numbers.lowerBound < ranges[$1].numbers.lowerBound }
    }
    return levels
  }

  private static func flatten(
    _ levels: [[Int]], _ ranges: [BrandRange], prefixLength: Int
  ) -> (starts: [UInt64], winners: [Int32]) {
    let scale = powerOfTen(12 - prefixLength)
    var boundaries = ranges.flatMap { [$0.numbers.lowerBound, $0.numbers.upperBound + 1] }
    boundaries.sort()
    // Of each level the first range that has not ended.
    var next = [Int](repeating: 0, count: levels.count)
    var starts: [UInt64] = []
    var winners: [Int32] = []
    for (place, start) in boundaries.enumerated() {
      if place > 0, boundaries[place - 1] == start { continue }
      var winner: Int32 = -1
      for level in levels.indices {
        while next[level] < levels[level].count,
          ranges[levels[level][next[level]]].numbers.upperBound < start
        {
          next[level] += 1
        }
        guard next[level] < levels[level].count else { continue }
        let index = levels[level][next[level]]
        // Levels ascend, so that the longest prefix comes last.
        if ranges[index].numbers.lowerBound <= start { winner = Int32(index) }
      }
      if winners.last == winner { continue }
      starts.append(start / scale)
      winners.append(winner)
    }
    return (starts, winners)
  }
}
