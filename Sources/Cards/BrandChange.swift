/// Numbers whose cards two tables take for different ones.
package struct BrandChange: Equatable, Sendable {
  /// The numbers, cut to 12 digits.
  package let numbers: ClosedRange<UInt64>
  /// What their cards are by the one table; nil where they are refused.
  package let before: CardKind?
  /// What they are by the other.
  package let after: CardKind?
}

extension BrandTable {
  /// What changes when `other` takes the place of this table, in ascending order: numbers that follow each
  /// other and change alike are one change.
  ///
  /// Ranges that are merely written in another way change nothing.
  package func changes(to other: BrandTable) -> [BrandChange] {
    let all: ClosedRange<UInt64> = 0...999_999_999_999
    let others = other.stretches(in: all)
    var index = 0
    var changes: [BrandChange] = []
    for stretch in stretches(in: all) {
      var first = stretch.numbers.lowerBound
      while first <= stretch.numbers.upperBound {
        let end = min(stretch.numbers.upperBound, others[index].numbers.upperBound)
        if stretch.kind != others[index].kind {
          BrandTable.add(
            BrandChange(
              numbers: first...end, before: stretch.kind, after: others[index].kind),
            to: &changes)
        }
        if others[index].numbers.upperBound == end { index += 1 }
        first = end + 1
      }
    }
    return changes
  }

  private static func add(_ change: BrandChange, to changes: inout [BrandChange]) {
    if let last = changes.last, last.numbers.upperBound + 1 == change.numbers.lowerBound,
      last.before == change.before, last.after == change.after
    {
      changes[changes.count - 1] = BrandChange(
        numbers: last.numbers.lowerBound...change.numbers.upperBound, before: change.before,
        after: change.after)
    } else {
      changes.append(change)
    }
  }
}
