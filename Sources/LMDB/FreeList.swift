/// The free list of an LMDB file, read without mapping it.
///
/// A tree of machine words: transaction → the pages that it freed. A value: count(8), then page
/// numbers(8 each), the greatest first; what follows them in the value means nothing.
///
/// A page that a transaction took at the end of the file and gave back before its commit is never
/// written, so a healthy file may be shorter than its header counts. All that it misses is free.
struct FreeList {
  private let file: PageFile
  private let tree: FileTree

  init(_ header: FileHeader, of file: PageFile) {
    self.file = file
    tree = header.freeList
  }

  /// Calls `body` with each free page, and the page of the list that names it; returns the newest
  /// transaction that freed any, or nil for an empty list.
  /// - Throws: ``LMDBError/Kind/truncated`` when a page of the list itself is missing,
  ///   ``LMDBError/Kind/damaged(file:page:)`` when it is no list.
  @discardableResult
  func forEach(
    reached: ReachedPages? = nil, _ body: (UInt64, FilePage) throws(LMDBError) -> Void
  ) throws(LMDBError) -> UInt64? {
    var reader = TreeReader(tree, of: file, reached: reached)
    var newest: UInt64?
    try reader.readAll { (leaf) throws(LMDBError) in
      for index in 0..<leaf.nodeCount {
        for page in try numbers(leaf, index) { try body(page, leaf) }
      }
      newest = try leaf.key(leaf.nodeCount - 1).machineWord
    }
    return newest
  }

  /// True when every page from `pageCount` of the file to `last` is free.
  func holdsAllMissing(upTo last: Int) throws(LMDBError) -> Bool {
    let missing = last - file.pageCount + 1
    // A list that fits into the file cannot name more; a damaged header could count any number.
    guard missing <= file.pageCount * file.pageSize / 8 else { return false }
    var isFree = [Bool](repeating: false, count: missing)
    try forEach { (free, _) throws(LMDBError) in
      guard free >= UInt64(file.pageCount), free <= UInt64(last) else { return }
      isFree[Int(free) - file.pageCount] = true
    }
    return isFree.allSatisfy { $0 }
  }

  /// The page numbers that a leaf's node holds.
  private func numbers(_ leaf: FilePage, _ index: Int) throws(LMDBError) -> [UInt64] {
    let value = try leaf.value(index)
    var (page, offset) = (leaf, value.offset)
    if value.isElsewhere {
      page = try file.overflow(leaf.load(value.offset, UInt64.self), holding: value.size)
      offset = FilePage.headerBytes
    }
    let count = try page.load(offset, UInt64.self)
    guard value.size >= 8, count <= UInt64(value.size / 8 - 1) else { throw leaf.damaged }
    var numbers: [UInt64] = []
    for index in 0..<Int(count) {
      let number = try page.load(offset + 8 * (index + 1), UInt64.self)
      guard numbers.last.map({ $0 > number }) ?? true else { throw leaf.damaged }
      numbers.append(number)
    }
    return numbers
  }
}
