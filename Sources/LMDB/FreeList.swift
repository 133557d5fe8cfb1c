/// The free list of an LMDB file, read without mapping it.
///
/// A page that a transaction took at the end of the file and gave back before its commit is never
/// written, so a healthy file may be shorter than its header counts. All that it misses is free.
///
/// A value of the list: count(8), then page numbers(8 each).
struct FreeList {
  private static let greatestDepth = 32

  let file: PageFile

  private var pageCount: Int { file.pageCount }

  /// True when every page from `pageCount` to `last` is free.
  /// - Throws: ``LMDBError/Kind/truncated`` when a page of the list itself is missing,
  ///   ``LMDBError/Kind/corrupted`` when it is no list.
  func holdsAllMissing(upTo last: Int, root: UInt64) throws(LMDBError) -> Bool {
    let missing = last - pageCount + 1
    // A list that fits into the file cannot name more; a damaged header could count any number.
    guard root != .max, missing <= pageCount * file.pageSize / 8 else { return false }
    var isFree = [Bool](repeating: false, count: missing)
    var waiting = [(page: root, depth: 0)]
    var visited = 0
    while let (number, depth) = waiting.popLast() {
      visited += 1
      guard depth < Self.greatestDepth, visited <= pageCount else { throw FilePage.corrupted }
      let page = try file.page(number)
      for index in 0..<page.nodeCount {
        let node = try page.node(index)
        guard page.isLeaf else {
          waiting.append((try page.child(node), depth + 1))
          continue
        }
        for free in try numbers(page, node) {
          guard free >= UInt64(pageCount), free <= UInt64(last) else { continue }
          isFree[Int(free) - pageCount] = true
        }
      }
    }
    return isFree.allSatisfy { $0 }
  }

  /// The page numbers that a leaf's node holds.
  private func numbers(_ page: FilePage, _ node: Int) throws(LMDBError) -> [UInt64] {
    let leaf = try page.leafNode(node)
    guard leaf.isElsewhere else { return try Self.list(in: page, at: leaf.value, leaf.size) }
    let first = try page.load(leaf.value, UInt64.self)
    let value = try file.overflow(first, holding: leaf.size)
    return try Self.list(in: value, at: FilePage.headerBytes, leaf.size)
  }

  private static func list(
    in page: FilePage, at offset: Int, _ size: Int
  ) throws(LMDBError) -> [UInt64] {
    let count = try page.load(offset, UInt64.self)
    guard size >= 8, count <= UInt64(size / 8 - 1) else { throw FilePage.corrupted }
    var numbers: [UInt64] = []
    for index in 0..<Int(count) {
      numbers.append(try page.load(offset + 8 * (index + 1), UInt64.self))
    }
    return numbers
  }
}
