import Glibc

/// The free list of an LMDB file, read without mapping it.
///
/// A page that a transaction took at the end of the file and gave back before its commit is never
/// written, so a healthy file may be shorter than its header counts. All that it misses is free.
///
/// Layout of a page (LMDB 0.9, 64 bits): number(8), padding(2), flags(2), lower(2), upper(2), then
/// the offsets(2 each) of its nodes, up to `lower`. A node: low(2), high(2), flags(2), key size(2),
/// key, value. In a branch, low, high and flags are the child's number; in a leaf, low and high are
/// the value's size, and a flag of 1 says that the value is the number of an overflow page. A value
/// of the free list: count(8), then page numbers(8 each).
struct FreeList {
  private static let branch: UInt16 = 1
  private static let leaf: UInt16 = 2
  private static let overflow: UInt16 = 4
  private static let headerBytes = 16
  private static let greatestDepth = 32

  let descriptor: Int32
  let pageSize: Int
  /// Pages that are whole in the file.
  let pageCount: Int

  /// True when every page from `pageCount` to `last` is free.
  /// - Throws: ``LMDBError/Kind/truncated`` when a page of the list itself is missing,
  ///   ``LMDBError/Kind/corrupted`` when it is no list.
  func holdsAllMissing(upTo last: Int, root: UInt64) throws(LMDBError) -> Bool {
    let missing = last - pageCount + 1
    // A list that fits into the file cannot name more; a damaged header could count any number.
    guard root != .max, missing <= pageCount * pageSize / 8 else { return false }
    var isFree = [Bool](repeating: false, count: missing)
    var waiting = [(page: root, depth: 0)]
    var visited = 0
    while let (number, depth) = waiting.popLast() {
      visited += 1
      guard depth < Self.greatestDepth, visited <= pageCount else { throw Self.corrupted }
      let page = try Page(pages(number, count: 1))
      for index in 0..<page.nodeCount {
        let node = try page.node(index)
        if page.flags & Self.branch != 0 {
          waiting.append((try page.child(node), depth + 1))
        } else if page.flags & Self.leaf != 0 {
          for free in try numbers(page, node) {
            guard free >= UInt64(pageCount), free <= UInt64(last) else { continue }
            isFree[Int(free) - pageCount] = true
          }
        } else {
          throw Self.corrupted
        }
      }
    }
    return isFree.allSatisfy { $0 }
  }

  private static let corrupted = LMDBError(.corrupted, in: .inspect)

  /// The page numbers that a leaf's node holds.
  private func numbers(_ page: Page, _ node: Int) throws(LMDBError) -> [UInt64] {
    let size =
      Int(try page.load(node, UInt16.self)) | Int(try page.load(node + 2, UInt16.self)) << 16
    let isElsewhere = try page.load(node + 4, UInt16.self) & 1 != 0
    let value = node + 8 + Int(try page.load(node + 6, UInt16.self))
    guard isElsewhere else { return try page.list(at: value, size: size) }
    let first = try page.load(value, UInt64.self)
    let count = (Self.headerBytes + size + pageSize - 1) / pageSize
    return try Page(pages(first, count: count)).list(at: Self.headerBytes, size: size)
  }

  private func pages(_ number: UInt64, count: Int) throws(LMDBError) -> [UInt8] {
    guard number < UInt64(pageCount), count <= pageCount - Int(number) else {
      throw LMDBError(.truncated, in: .inspect)
    }
    var bytes = [UInt8](repeating: 0, count: count * pageSize)
    let read = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, Int(number) * pageSize)
    }
    guard read >= 0 else { throw LMDBError(code: errno, in: .inspect) }
    guard read == bytes.count else { throw LMDBError(.truncated, in: .inspect) }
    return bytes
  }

  /// The bytes of a page, read with their bounds checked.
  private struct Page {
    let bytes: [UInt8]
    let flags: UInt16
    let nodeCount: Int

    init(_ bytes: [UInt8]) throws(LMDBError) {
      self.bytes = bytes
      flags = UInt16(bytes[10]) | UInt16(bytes[11]) << 8
      let lower = Int(bytes[12]) | Int(bytes[13]) << 8
      nodeCount = flags & FreeList.overflow == 0 ? max(0, lower - headerBytes) / 2 : 0
    }

    func load<T: FixedWidthInteger & UnsignedInteger>(
      _ offset: Int, _ type: T.Type
    ) throws(LMDBError) -> T {
      let size = MemoryLayout<T>.size
      guard offset >= 0, offset <= bytes.count - size else { throw corrupted }
      return bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | T($1) }
    }

    /// Offset of the node `index`.
    func node(_ index: Int) throws(LMDBError) -> Int {
      Int(try load(headerBytes + 2 * index, UInt16.self))
    }

    func child(_ node: Int) throws(LMDBError) -> UInt64 {
      try load(node, UInt64.self) & 0xFFFF_FFFF_FFFF
    }

    func list(at offset: Int, size: Int) throws(LMDBError) -> [UInt64] {
      let count = try load(offset, UInt64.self)
      guard size >= 8, count <= UInt64(size / 8 - 1) else { throw corrupted }
      var numbers: [UInt64] = []
      for index in 0..<Int(count) {
        numbers.append(try load(offset + 8 * (index + 1), UInt64.self))
      }
      return numbers
    }
  }
}
