import Glibc

/// The pages of an LMDB file, read without mapping it.
struct PageFile {
  let descriptor: Int32
  let pageSize: Int
  /// Pages that are whole in the file.
  let pageCount: Int

  /// The branch or leaf page `number`.
  /// - Throws: ``LMDBError/Kind/truncated`` when it is missing, ``LMDBError/Kind/corrupted`` when it
  ///   is no such page.
  func page(_ number: UInt64) throws(LMDBError) -> FilePage {
    try FilePage(bytes(number, count: 1))
  }

  /// The overflow pages from `first` on, which hold a value of `size` bytes after their header.
  func overflow(_ first: UInt64, holding size: Int) throws(LMDBError) -> FilePage {
    FilePage(overflow: try bytes(first, count: overflowCount(size)))
  }

  /// Number and count that the first of several overflow pages gives itself.
  func overflowHeader(_ first: UInt64) throws(LMDBError) -> (number: UInt64, count: Int) {
    let page = FilePage(overflow: try bytes(first, count: 1))
    guard try page.load(10, UInt16.self) == FilePage.overflow else { throw FilePage.corrupted }
    return (try page.load(0, UInt64.self), Int(try page.load(12, UInt32.self)))
  }

  /// How many overflow pages a value of `size` bytes takes.
  func overflowCount(_ size: Int) -> Int {
    (FilePage.headerBytes + size + pageSize - 1) / pageSize
  }

  private func bytes(_ number: UInt64, count: Int) throws(LMDBError) -> [UInt8] {
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
}

/// A page of an LMDB file, read with every bound checked.
///
/// Layout (LMDB 0.9, 64 bits): number(8), padding(2), flags(2), lower(2), upper(2), then the
/// offsets(2 each) of its nodes, up to `lower`; the nodes lie from `upper` on. A node: low(2),
/// high(2), flags(2), key size(2), key, value. In a branch, low, high and flags are the child's
/// number; in a leaf, low and high are the value's size, a flag of 1 says that the value is the number
/// of an overflow page, and one of 2 that it describes a named database.
struct FilePage {
  /// A node of a leaf.
  struct LeafNode {
    /// Bytes of the value.
    let size: Int
    /// Offset of the value, or of the number of the overflow page that it begins on.
    let value: Int
    let isElsewhere: Bool
    let isDatabase: Bool
  }

  static let headerBytes = 16
  static let corrupted = LMDBError(.corrupted, in: .inspect)

  private static let branch: UInt16 = 1
  private static let leaf: UInt16 = 2
  static let overflow: UInt16 = 4
  private static let isElsewhere: UInt16 = 1
  private static let isDatabase: UInt16 = 2
  private static let nodeHeaderBytes = 8

  private let bytes: [UInt8]
  let isLeaf: Bool
  let nodeCount: Int

  init(_ bytes: [UInt8]) throws(LMDBError) {
    self.bytes = bytes
    let flags = UInt16(bytes[10]) | UInt16(bytes[11]) << 8
    let lower = Int(bytes[12]) | Int(bytes[13]) << 8
    let upper = Int(bytes[14]) | Int(bytes[15]) << 8
    guard flags == Self.branch || flags == Self.leaf else { throw Self.corrupted }
    guard lower >= Self.headerBytes, lower <= upper, upper <= bytes.count else {
      throw Self.corrupted
    }
    isLeaf = flags == Self.leaf
    nodeCount = (lower - Self.headerBytes) / 2
  }

  init(overflow bytes: [UInt8]) {
    self.bytes = bytes
    isLeaf = false
    nodeCount = 0
  }

  /// The page's own number.
  var number: UInt64 { get throws(LMDBError) { try load(0, UInt64.self) } }

  func load<T: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, _ type: T.Type
  ) throws(LMDBError) -> T {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else { throw Self.corrupted }
    return unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// Offset of the node `index`.
  func node(_ index: Int) throws(LMDBError) -> Int {
    Int(try load(Self.headerBytes + 2 * index, UInt16.self))
  }

  /// The page to which the node of a branch leads.
  func child(_ node: Int) throws(LMDBError) -> UInt64 {
    guard try value(of: node) <= bytes.count else { throw Self.corrupted }
    return try load(node, UInt64.self) & 0xFFFF_FFFF_FFFF
  }

  /// The node of a leaf, which lies within the page, but for a value that is elsewhere.
  func leafNode(_ node: Int) throws(LMDBError) -> LeafNode {
    let size = Int(try load(node, UInt32.self))
    let flags = try load(node + 4, UInt16.self)
    guard flags & ~(Self.isElsewhere | Self.isDatabase) == 0 else { throw Self.corrupted }
    let isElsewhere = flags & Self.isElsewhere != 0
    let value = try value(of: node)
    guard value + (isElsewhere ? 8 : size) <= bytes.count else { throw Self.corrupted }
    return LeafNode(
      size: size, value: value, isElsewhere: isElsewhere,
      isDatabase: flags & Self.isDatabase != 0)
  }

  /// Offset of what follows the node's key.
  private func value(of node: Int) throws(LMDBError) -> Int {
    node + Self.nodeHeaderBytes + Int(try load(node + 6, UInt16.self))
  }
}
