import Glibc

/// Reads the trees of an LMDB file with every bound checked, without mapping it.
///
/// LMDB trusts a file: a page that is not what its place says can end the process. After this check it
/// finds every page, node and value within the file. What a value says is not checked: LMDB keeps no
/// checksums.
struct TreeCheck {
  /// What an environment says of one of its trees. Layout: padding(4), flags(2), depth(2), pages of
  /// branches(8), of leaves(8) and of overflow(8), entries(8), root(8).
  private struct Tree {
    static let bytes = 48

    let depth: Int
    let entryCount: UInt64
    let root: UInt64
    /// The tree whose values describe the named databases.
    let isOfNames: Bool
  }

  private let file: PageFile
  private let header: FileHeader
  /// Whether a page was reached: none belongs to two places.
  private var isReached: [Bool]

  fileprivate init(file: PageFile, header: FileHeader) {
    self.file = file
    self.header = header
    isReached = [Bool](repeating: false, count: file.pageCount)
  }

  fileprivate mutating func checkAll() throws(LMDBError) {
    var named: [Tree] = []
    let names = Tree(
      depth: header.namesDepth, entryCount: header.namesCount, root: header.namesRoot,
      isOfNames: true)
    try check(names, named: &named)
    for tree in named { try check(tree, named: &named) }
  }

  /// Checks a tree, and adds to `named` those that it describes.
  private mutating func check(_ tree: Tree, named: inout [Tree]) throws(LMDBError) {
    guard tree.root != .max else {
      guard tree.entryCount == 0 else { throw FilePage.corrupted }
      return
    }
    var waiting = [(page: tree.root, depth: 1)]
    var count: UInt64 = 0
    while let (number, depth) = waiting.popLast() {
      try reach(number, count: 1)
      let page = try file.page(number)
      guard try page.number == number, page.isLeaf == (depth == tree.depth) else {
        throw FilePage.corrupted
      }
      guard page.nodeCount >= (page.isLeaf ? 1 : 2) else { throw FilePage.corrupted }
      for index in 0..<page.nodeCount {
        let node = try page.node(index)
        if page.isLeaf {
          try checkLeaf(page, node, isOfNames: tree.isOfNames, named: &named)
          count += 1
        } else {
          waiting.append((try page.child(node), depth + 1))
        }
      }
    }
    guard count == tree.entryCount else { throw FilePage.corrupted }
  }

  private mutating func checkLeaf(
    _ page: FilePage, _ node: Int, isOfNames: Bool, named: inout [Tree]
  ) throws(LMDBError) {
    let leaf = try page.leafNode(node)
    if leaf.isElsewhere { try checkOverflow(from: page.load(leaf.value, UInt64.self), leaf.size) }
    guard leaf.isDatabase == isOfNames else { throw FilePage.corrupted }
    guard isOfNames else { return }
    // Flags would mean another order, or several values under a key: nothing here makes such.
    guard !leaf.isElsewhere, leaf.size == Tree.bytes,
      try page.load(leaf.value + 4, UInt16.self) == 0
    else { throw FilePage.corrupted }
    named.append(
      Tree(
        depth: Int(try page.load(leaf.value + 6, UInt16.self)),
        entryCount: try page.load(leaf.value + 32, UInt64.self),
        root: try page.load(leaf.value + 40, UInt64.self), isOfNames: false))
  }

  private mutating func checkOverflow(from first: UInt64, _ size: Int) throws(LMDBError) {
    let count = file.overflowCount(size)
    try reach(first, count: count)
    let page = try file.overflowHeader(first)
    guard page.number == first, page.count >= count else { throw FilePage.corrupted }
  }

  private mutating func reach(_ number: UInt64, count: Int) throws(LMDBError) {
    guard number <= UInt64(header.lastPage) else { throw FilePage.corrupted }
    guard count <= file.pageCount - Int(number) else { throw LMDBError(.truncated, in: .inspect) }
    for page in Int(number)..<Int(number) + count {
      guard !isReached[page] else { throw FilePage.corrupted }
      isReached[page] = true
    }
  }
}

extension Environment {
  /// Reads every page of the file at `path` that holds something, without mapping it: where this
  /// does not throw, reading the file with LMDB cannot end the process.
  ///
  /// Nobody may write the file meanwhile.
  /// - Throws: ``LMDBError/Kind/corrupted``, ``LMDBError/Kind/truncated``,
  ///   ``LMDBError/Kind/invalid``, `ENOENT` as ``LMDBError/Kind/system(errno:)``.
  package static func checkFile(_ path: String) throws(LMDBError) {
    guard let header = try FileHeader.read(path: path) else {
      throw LMDBError(.system(errno: ENOENT), in: .inspect)
    }
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LMDBError(code: errno, in: .inspect) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw LMDBError(code: errno, in: .inspect) }
    let file = PageFile(
      descriptor: descriptor, pageSize: header.pageSize,
      pageCount: min(status.st_size / header.pageSize, header.lastPage + 1))
    var check = TreeCheck(file: file, header: header)
    try check.checkAll()
  }
}
