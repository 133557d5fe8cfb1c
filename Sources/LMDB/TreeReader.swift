import Bytes

/// What an environment says of one of its trees.
///
/// Layout: padding(4), flags(2), depth(2), pages of branches(8), of leaves(8) and of overflow(8),
/// entries(8), root(8).
struct FileTree {
  static let bytes = 48

  let depth: Int
  let entryCount: UInt64
  /// The page at the top; all ones where the tree is empty.
  let root: UInt64
  var order = KeyOrder.bytes
  /// The tree whose values describe the named databases.
  var isOfNames = false

  var isEmpty: Bool { root == .max }
}

extension FileTree {
  /// Reads a description; nil where it has not its length, or says of flags that nothing here makes:
  /// they would mean another order, or several values under a key.
  init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.bytes,
      unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt16.self) == 0
    else { return nil }
    depth = Int(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 6, as: UInt16.self))
    entryCount = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 32, as: UInt64.self)
    root = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 40, as: UInt64.self)
  }
}

/// The pages of a file that were reached: none belongs to two places.
final class ReachedPages {
  private let file: PageFile
  private var isReached: [Bool]

  init(_ file: PageFile) {
    self.file = file
    isReached = [Bool](repeating: false, count: file.pageCount)
  }

  func reach(_ number: UInt64, count: Int = 1) throws(LMDBError) {
    guard number < UInt64(isReached.count), count <= isReached.count - Int(number) else {
      throw file.damaged(at: number)
    }
    for page in Int(number)..<Int(number) + count {
      guard !isReached[page] else { throw file.damaged(at: UInt64(page)) }
      isReached[page] = true
    }
  }
}

/// Pages of one tree as of one moment that have passed their check. For one thread.
final class KeptPages {
  fileprivate var pages: [UInt64: FilePage] = [:]
}

/// Goes from leaf to leaf of a tree, reads its pages without mapping them, and checks each, with the
/// pages that its values lie on, before it stands there.
///
/// LMDB trusts its file: a page that is not what its place says can end the process, or give another
/// page's answer. Where this has stood, LMDB finds every page, node and value within the file, and no
/// key anywhere else. What a value says is not checked.
struct TreeReader {
  /// LMDB's own bound.
  private static let greatestDepth = 32

  private struct Level {
    let page: FilePage
    let bounds: KeyBounds
    /// Which child the level below is; of a leaf nothing.
    var index = 0
  }

  private let file: PageFile
  private let tree: FileTree
  /// Where pages are noted, when the whole file is read.
  private let reached: ReachedPages?
  /// Where pages are kept, when the same ones are come back to.
  private let kept: KeptPages?
  private var levels: [Level] = []
  /// Pages that were read and checked.
  private(set) var pagesRead = 0

  init(
    _ tree: FileTree, of file: PageFile, reached: ReachedPages? = nil, kept: KeptPages? = nil
  ) {
    self.tree = tree
    self.file = file
    self.reached = reached
    self.kept = kept
  }

  /// The leaf on which this stands; nil before the first move, and where that found none.
  var leaf: FilePage? { levels.last?.page }

  /// Which way leads down from a branch.
  private enum Way {
    case first, last
    case to([UInt8])
  }

  /// Stands on the first leaf.
  mutating func first() throws(LMDBError) { try begin(.first) }

  /// Stands on the last leaf.
  mutating func last() throws(LMDBError) { try begin(.last) }

  /// Stands on the leaf that holds `key`, where any does.
  mutating func seek(_ key: RawSpan) throws(LMDBError) { try begin(.to(key.array)) }

  /// Stands on the next leaf; false where there is none, and this stays.
  mutating func next() throws(LMDBError) -> Bool {
    guard let up = levels.dropLast().lastIndex(where: { $0.index + 1 < $0.page.nodeCount }) else {
      return false
    }
    levels.removeLast(levels.count - up - 1)
    levels[up].index += 1
    try descend(.first)
    return true
  }

  /// Stands on the leaf before; false where there is none, and this stays.
  mutating func previous() throws(LMDBError) -> Bool {
    guard let up = levels.dropLast().lastIndex(where: { $0.index > 0 }) else { return false }
    levels.removeLast(levels.count - up - 1)
    levels[up].index -= 1
    try descend(.last)
    return true
  }

  private mutating func begin(_ way: Way) throws(LMDBError) {
    levels.removeAll(keepingCapacity: true)
    guard !tree.isEmpty else { return }
    guard (1...Self.greatestDepth).contains(tree.depth) else { throw file.damaged(at: tree.root) }
    try add(tree.root, in: KeyBounds())
    if case .leaf = try turn(way) { return }
    try descend(way)
  }

  private enum Turn { case leaf, branch }

  /// Chooses the way down from the page on which this stands.
  private mutating func turn(_ way: Way) throws(LMDBError) -> Turn {
    let top = levels.count - 1
    let page = levels[top].page
    guard !page.isLeaf else { return .leaf }
    switch way {
    case .first: levels[top].index = 0
    case .last: levels[top].index = page.nodeCount - 1
    case .to(let key): levels[top].index = try page.childIndex(for: key.rawSpan, tree.order)
    }
    return .branch
  }

  /// Goes down from the branch on which this stands, whose way is chosen, to a leaf.
  private mutating func descend(_ way: Way) throws(LMDBError) {
    repeat {
      let above = levels[levels.count - 1]
      try add(
        above.page.child(above.index),
        in: above.page.bounds(ofChild: above.index, in: above.bounds))
    } while try turn(way) == .branch
  }

  /// Reads the page `number`, checks it, and stands on it.
  private mutating func add(_ number: UInt64, in bounds: KeyBounds) throws(LMDBError) {
    if let page = kept?.pages[number] {
      levels.append(Level(page: page, bounds: bounds))
      return
    }
    try reached?.reach(number)
    let page = try file.page(number)
    try page.check(isLeaf: levels.count + 1 == tree.depth, tree.order, in: bounds)
    if page.isLeaf { try checkValues(of: page) }
    pagesRead += 1
    kept?.pages[number] = page
    levels.append(Level(page: page, bounds: bounds))
  }

  private func checkValues(of page: FilePage) throws(LMDBError) {
    for index in 0..<page.nodeCount {
      let value = try page.value(index)
      guard value.isDatabase == tree.isOfNames else { throw page.damaged }
      guard value.isElsewhere else { continue }
      let first = try page.load(value.offset, UInt64.self)
      let pages = try file.overflow(first, holding: value.size)
      try reached?.reach(first, count: pages.overflowCount)
    }
  }
}

extension TreeReader {
  /// Reads the whole tree, and gives each leaf to `body`.
  mutating func readAll(_ body: (FilePage) throws(LMDBError) -> Void = { _ in }) throws(LMDBError) {
    var count: UInt64 = 0
    try first()
    while let leaf {
      try body(leaf)
      count += UInt64(leaf.nodeCount)
      guard try next() else { break }
    }
    guard count == tree.entryCount else { throw file.damaged(at: tree.root) }
  }

  /// Reads the whole tree where it has no more than `budget` pages; true when it had not. Otherwise it
  /// reads the two upper levels, and the last leaf.
  mutating func readUpperPart(budget: Int) throws(LMDBError) -> Bool {
    try last()
    try first()
    while leaf != nil, pagesRead <= budget {
      guard try next() else { return true }
    }
    guard !tree.isEmpty else { return true }
    let root = levels[0]
    levels.removeLast(levels.count - 1)
    for index in 0..<root.page.nodeCount {
      let bounds = try root.page.bounds(ofChild: index, in: root.bounds)
      try add(root.page.child(index), in: bounds)
      levels.removeLast()
    }
    return false
  }
}
