import Bytes
import Glibc

/// Reads the pages of an LMDB file that rests with every bound checked, without mapping it: both
/// headers, the free list, and the trees; see ``TreeReader``.
///
/// In a file that is read whole no page belongs to two places, and no free one to any.
struct FileCheck {
  /// Pages of a tree that are read in any case: where it has no more, it is read whole.
  private static let budget = 128

  private let file: PageFile
  private let headers: FileHeaders
  private let reached: ReachedPages?

  /// - Parameter greatestBytes: how large a file is read whole.
  fileprivate init(
    _ descriptor: Int32, path: String, greatestBytes: Int
  ) throws(LMDBError) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw LMDBError(code: errno, in: .inspect) }
    headers = try FileHeaders(of: descriptor, fileBytes: status.st_size)
    file = headers.file(path, descriptor, fileBytes: status.st_size)
    guard try headers.newest.isComplete(file, fileBytes: status.st_size) else {
      throw LMDBError(.truncated, in: .inspect)
    }
    reached = headers.newest.usedBytes <= greatestBytes ? ReachedPages(file) : nil
  }

  /// Reads, and returns which trees were read whole.
  fileprivate func run() throws(LMDBError) -> CheckedTrees {
    var named: [(name: [UInt8], tree: FileTree)] = []
    var names = TreeReader(headers.newest.names, of: file, reached: reached)
    try names.readAll { (leaf) throws(LMDBError) in
      for index in 0..<leaf.nodeCount {
        let value = try leaf.value(index)
        guard !value.isElsewhere,
          let tree = FileTree(try leaf.bytes(value.offset..<value.offset + value.size))
        else { throw leaf.damaged }
        named.append((try leaf.key(index).array, tree))
      }
    }
    var whole: Set<[UInt8]> = []
    for (name, tree) in named where try isWhole(tree) { whole.insert(name) }
    try checkFreeList()
    return reached == nil ? .some(whole) : .all
  }

  private func isWhole(_ tree: FileTree) throws(LMDBError) -> Bool {
    var reader = TreeReader(tree, of: file, reached: reached)
    guard reached != nil else { return try reader.readUpperPart(budget: Self.budget) }
    try reader.readAll()
    return true
  }

  private func checkFreeList() throws(LMDBError) {
    let list = FreeList(headers.newest, of: file)
    let last = UInt64(headers.newest.lastPage)
    // Pages that are free and beyond the end of the file are no pages that could be reached.
    var free = Set<UInt64>()
    var pages: [(free: UInt64, namedBy: FilePage)] = []
    let newest = try list.forEach(reached: reached) { (page, leaf) throws(LMDBError) in
      guard page > 1, page <= last, free.insert(page).inserted else { throw leaf.damaged }
      pages.append((page, leaf))
    }
    try headers.check(file, freed: newest)
    guard let reached else { return }
    for (page, leaf) in pages where page < UInt64(file.pageCount) {
      do throws(LMDBError) { try reached.reach(page) } catch { throw leaf.damaged }
    }
  }
}

/// The trees of a file of which every page has passed its check.
enum CheckedTrees {
  case all
  /// By name.
  case some(Set<[UInt8]>)
}

extension Environment {
  /// Reads every page of the file at `path` that holds something, without mapping it: where this
  /// does not throw, reading the file with LMDB cannot end the process, and finds every key.
  ///
  /// Nobody may write the file meanwhile.
  /// - Throws: ``LMDBError/Kind/damaged(file:page:)``, ``LMDBError/Kind/truncated``,
  ///   ``LMDBError/Kind/invalid``, `ENOENT` as ``LMDBError/Kind/system(errno:)``.
  package static func checkFile(_ path: String) throws(LMDBError) {
    _ = try checkFile(path, wholeUpTo: .max)
  }

  /// The same of a file of up to `greatestBytes`. Of a larger one the headers, the free list, and of each
  /// tree the upper pages and the last leaf, or all where they are few.
  static func checkFile(
    _ path: String, wholeUpTo greatestBytes: Int
  ) throws(LMDBError) -> CheckedTrees {
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LMDBError(code: errno, in: .inspect) }
    defer { close(descriptor) }
    return try FileCheck(descriptor, path: path, greatestBytes: greatestBytes).run()
  }
}
