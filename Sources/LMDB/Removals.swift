import Bytes
import CLMDB

/// What one writing transaction has removed from trees that are not proven.
///
/// Where an entry goes, LMDB may join its page with a page beside it, and again at the next one. Each
/// removal can take one page away, so that after so many no other than these stand beside a key: as
/// the tree was when the transaction began, the leaf of the key and one more on each side than there
/// were removals near it. The ways to them hold the branches that may be joined.
struct Removals {
  private var trees: [MDB_dbi: TreeRemovals] = [:]

  /// Reads what may be touched when the entry of `key` goes from `database`.
  mutating func check(
    _ key: RawSpan, in database: Database, of transaction: OpaquePointer, _ guarded: TreeGuard
  ) throws(LMDBError) {
    if guarded.isProven(database) { return }
    let tree = trees[database.identifier] ?? TreeRemovals()
    trees[database.identifier] = tree
    var reader = unsafe try guarded.reader(of: database, in: transaction, keeping: tree.pages)
    try reader.seek(key)
    try tree.add(reader)
  }
}

/// The same of one tree, as stretches of leaves that were read.
///
/// A removal widens its own stretch by a leaf on each side, so that a batch reads some leaves for each of
/// its removals, however many these are. Of two stretches that come to touch, one is made: so what is
/// removed in one never reaches into another. For one thread.
private final class TreeRemovals {
  /// Leaves that lie side by side: those of some removals, and on each side one more than there were.
  private struct Stretch {
    var removals = 1
    /// From the first leaf of a removal to the last. Leaves are counted from the one of the first removal.
    var touched = 0...0
    /// The leaves that were read.
    var read = 0...0
    /// Stand on the first leaf that was read, and on the last.
    var first: TreeReader
    var last: TreeReader
    var isFirstOfTree = false
    var isLastOfTree = false
    /// The pages of the leaves, in no order.
    var pages: [UInt64]

    /// Leaves that it takes on each side.
    var margin: Int { removals + 1 }
    var isWideBefore: Bool { isFirstOfTree || touched.lowerBound - read.lowerBound >= margin }
    var isWideAfter: Bool { isLastOfTree || read.upperBound - touched.upperBound >= margin }
  }

  let pages = KeptPages()
  private var stretches: [Stretch?] = []
  /// Where the leaves that were read stand, by page.
  private var places: [UInt64: (stretch: Int, index: Int)] = [:]

  /// Notes that an entry goes from the leaf on which `reader` stands, and reads what lies beside it.
  func add(_ reader: TreeReader) throws(LMDBError) {
    guard let leaf = reader.leaf?.place else { return }
    var stretch = stretches.count
    if let (known, index) = places[leaf] {
      stretch = known
      stretches[known]?.removals += 1
      stretches[known]?.touched.extend(to: index)
    } else {
      stretches.append(Stretch(first: reader, last: reader, pages: [leaf]))
      places[leaf] = (stretch, 0)
    }
    while let widened = try widen(stretch) { stretch = widened }
  }

  /// Reads one leaf more of a stretch that is not wide enough; which stretch it belongs to then. Nil where
  /// there is nothing to read.
  private func widen(_ number: Int) throws(LMDBError) -> Int? {
    guard var stretch = stretches[number] else { return nil }
    let goesBack = !stretch.isWideBefore
    guard goesBack || !stretch.isWideAfter else { return nil }
    var reader = goesBack ? stretch.first : stretch.last
    guard goesBack ? try reader.previous() : try reader.next(), let leaf = reader.leaf?.place else {
      if goesBack { stretch.isFirstOfTree = true } else { stretch.isLastOfTree = true }
      stretches[number] = stretch
      return number
    }
    if let (other, _) = places[leaf] {
      return goesBack ? join(other, number) : join(number, other)
    }
    let index = goesBack ? stretch.read.lowerBound - 1 : stretch.read.upperBound + 1
    stretch.read.extend(to: index)
    if goesBack { stretch.first = reader } else { stretch.last = reader }
    stretch.pages.append(leaf)
    stretches[number] = stretch
    places[leaf] = (number, index)
    return number
  }

  /// Makes one stretch of two that lie side by side; which of them it is.
  private func join(_ before: Int, _ after: Int) -> Int {
    guard let first = stretches[before], let last = stretches[after] else {
      preconditionFailure("a leaf belongs to a stretch that is there")
    }
    // The larger one keeps its count of leaves.
    let keepsFirst = first.pages.count >= last.pages.count
    var kept = keepsFirst ? first : last
    let gone = keepsFirst ? last : first
    let shift =
      keepsFirst
      ? first.read.upperBound + 1 - last.read.lowerBound
      : last.read.lowerBound - 1 - first.read.upperBound
    let number = keepsFirst ? before : after
    for page in gone.pages {
      guard let place = places[page] else { continue }
      places[page] = (number, place.index + shift)
    }
    kept.removals += gone.removals
    for bound in [gone.touched.lowerBound, gone.touched.upperBound] {
      kept.touched.extend(to: bound + shift)
    }
    for bound in [gone.read.lowerBound, gone.read.upperBound] {
      kept.read.extend(to: bound + shift)
    }
    (kept.first, kept.last) = (first.first, last.last)
    (kept.isFirstOfTree, kept.isLastOfTree) = (first.isFirstOfTree, last.isLastOfTree)
    kept.pages += gone.pages
    stretches[keepsFirst ? after : before] = nil
    stretches[number] = kept
    return number
  }
}

extension ClosedRange<Int> {
  /// Makes it reach to `bound`.
  fileprivate mutating func extend(to bound: Int) {
    self = Swift.min(lowerBound, bound)...Swift.max(upperBound, bound)
  }
}
