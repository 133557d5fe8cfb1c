import LMDB

/// How many pages a transaction of LMDB may take at most, from the write sets that went into it.
///
/// Room for that many has to be certain before a batch is acknowledged that LMDB takes later. What LMDB writes
/// back of a long list of free pages is not counted: the reserve, which stays beside these, is many times that.
struct PageBound {
  /// What is known of one tree.
  private struct Tree {
    /// As the transaction began.
    let figures: TreeFigures
    var extent = WriteSet.Extent()

    /// Each row may change a whole path of the tree and split its leaf. But of a small tree no more pages than it
    /// has can change, each is split once at most, full as an appended one is, and again only by what fills a half.
    var pages: Int {
      if extent.rows == 0, extent.removals == 0, extent.appendedBytes == 0 { return 0 }
      let depth = figures.depth + 1
      let paths = extent.rows * (depth + 1) + extent.removals * 2 * depth + extent.bytes / 2_048
      let all =
        figures.pages + min(extent.rows, figures.pages) + depth
        + extent.bytes / 1_024
      // Two entries that lie side by side in an appended tree fill more than a page's half.
      let appended = extent.appendedBytes / 2_000
      return min(paths, all) + appended + appended / 16 + depth
    }
  }

  /// What a transaction takes beside its rows: for the names' tree and the list of free pages.
  static let fixedPages = 64
  /// Numbers of freed pages that fill a page.
  private static let freedInPage = 500

  private var trees: [Tree]

  /// - Parameter base: a transaction that has changed nothing yet.
  init(_ base: borrowing WriteTransaction, _ tables: Tables) throws(LMDBError) {
    trees = []
    trees.reserveCapacity(Table.allCases.count)
    for table in Table.allCases { trees.append(Tree(figures: try base.figures(of: tables[table]))) }
  }

  /// Rows that were not appended, but for those of `meta`, which is small: each costs the disk a page when
  /// LMDB is committed.
  var scatteredRows: Int {
    Table.allCases.reduce(0) {
      $1 == .meta ? $0 : $0 + trees[$1.index].extent.rows + trees[$1.index].extent.removals
    }
  }

  var pages: Int {
    let all = trees.reduce(Self.fixedPages) { $0 + $1.pages }
    return all + all / Self.freedInPage
  }

  /// Counts what `set` changes.
  mutating func add(_ set: borrowing WriteSet) {
    for index in trees.indices {
      let extent = set.extents[index]
      trees[index].extent.rows += extent.rows
      trees[index].extent.removals += extent.removals
      trees[index].extent.bytes += extent.bytes
      trees[index].extent.appendedBytes += extent.appendedBytes
    }
  }
}
