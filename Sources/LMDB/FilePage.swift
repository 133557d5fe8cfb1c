import Bytes
import Glibc

/// The pages of an LMDB file, read without mapping it.
struct PageFile {
  let path: String
  let descriptor: Int32
  let pageSize: Int
  /// Pages that may be read; those of a file at rest that are whole in it.
  let pageCount: Int

  /// The branch or leaf page `number`.
  /// - Throws: ``LMDBError/Kind/truncated`` when it is missing,
  ///   ``LMDBError/Kind/damaged(file:page:)`` when it is no such page.
  func page(_ number: UInt64) throws(LMDBError) -> FilePage {
    try FilePage(bytes(number, count: 1), at: number, of: path)
  }

  /// The overflow pages from `first` on, which hold a value of `size` bytes after their header.
  func overflow(_ first: UInt64, holding size: Int) throws(LMDBError) -> FilePage {
    let count = overflowCount(size)
    let pages = try FilePage(overflow: bytes(first, count: count), at: first, of: path)
    guard try pages.overflowCount >= count else { throw damaged(at: first) }
    return pages
  }

  /// How many overflow pages a value of `size` bytes takes.
  func overflowCount(_ size: Int) -> Int {
    (FilePage.headerBytes + size + pageSize - 1) / pageSize
  }

  /// The error of a page that is not what its place in the file says.
  func damaged(at page: UInt64) -> LMDBError { .damaged(path, at: page) }

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

/// In which order a tree has its keys.
enum KeyOrder {
  /// As bytes; of two that begin alike, the shorter one first.
  case bytes
  /// As machine words, in the free list.
  case numbers

  /// Whether `first` comes before `second`.
  func isAscending(_ first: RawSpan, _ second: RawSpan) -> Bool {
    switch self {
    case .bytes: first.isBefore(second)
    case .numbers: first.machineWord < second.machineWord
    }
  }

  /// Whether a key may have so many bytes.
  fileprivate func allows(keyBytes count: Int) -> Bool {
    switch self {
    case .bytes: (1...FilePage.longestKey).contains(count)
    case .numbers: count == MemoryLayout<UInt64>.size
    }
  }
}

/// Between which keys those of a page stand: from `least` on, and before `end`; nil for no bound.
struct KeyBounds {
  var least: [UInt8]?
  var end: [UInt8]?
}

/// A page of an LMDB file, read with every bound checked.
///
/// Layout (LMDB 0.9, 64 bits): number(8), padding(2), flags(2), lower(2), upper(2), then the
/// offsets(2 each) of its nodes, up to `lower`; the nodes fill the page from `upper` on. A node: low(2),
/// high(2), flags(2), key size(2), key, value, and a byte more where that makes its size even. In a
/// branch, low, high and flags are the child's number; in a leaf, low and high are the value's size, a
/// flag of 1 says that the value is the number of an overflow page, and one of 2 that it describes a
/// named database.
struct FilePage {
  /// The value of a node of a leaf.
  struct Value {
    /// Bytes of the value.
    let size: Int
    /// Offset of the value, or of the number of the overflow page that it begins on.
    let offset: Int
    let isElsewhere: Bool
    let isDatabase: Bool
  }

  static let headerBytes = 16
  /// The longest key that LMDB takes.
  static let longestKey = 511

  private static let branch: UInt16 = 1
  private static let leaf: UInt16 = 2
  private static let overflow: UInt16 = 4
  private static let isElsewhere = 1
  private static let isDatabase = 2
  private static let nodeHeaderBytes = 8

  private let file: String
  /// Where in the file the page was read.
  let place: UInt64
  private let bytes: [UInt8]
  let isLeaf: Bool
  let nodeCount: Int

  init(_ bytes: [UInt8], at place: UInt64, of file: String) throws(LMDBError) {
    self.file = file
    self.place = place
    self.bytes = bytes
    let flags = UInt16(bytes[10]) | UInt16(bytes[11]) << 8
    let lower = Int(bytes[12]) | Int(bytes[13]) << 8
    let upper = Int(bytes[14]) | Int(bytes[15]) << 8
    guard flags == Self.branch || flags == Self.leaf, lower >= Self.headerBytes, lower % 2 == 0,
      lower <= upper, upper <= bytes.count
    else { throw .damaged(file, at: place) }
    isLeaf = flags == Self.leaf
    nodeCount = (lower - Self.headerBytes) / 2
  }

  init(overflow bytes: [UInt8], at place: UInt64, of file: String) throws(LMDBError) {
    self.file = file
    self.place = place
    self.bytes = bytes
    isLeaf = false
    nodeCount = 0
    guard try load(0, UInt64.self) == place, try load(10, UInt16.self) == Self.overflow else {
      throw damaged
    }
  }

  /// How many pages the first of several overflow pages says that there are.
  var overflowCount: Int { get throws(LMDBError) { Int(try load(12, UInt32.self)) } }

  /// The error that names this page.
  var damaged: LMDBError { .damaged(file, at: place) }

  func load<T: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, _ type: T.Type
  ) throws(LMDBError) -> T {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else { throw damaged }
    return unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The bytes of `range`, lent.
  @_lifetime(borrow self)
  func bytes(_ range: Range<Int>) throws(LMDBError) -> RawSpan {
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw damaged }
    return unsafe bytes.span.bytes.extracting(range)
  }

  /// The key of the node `index`.
  @_lifetime(borrow self)
  func key(_ index: Int) throws(LMDBError) -> RawSpan {
    let key = try bytes(keyRange(node(index)))
    return unsafe _overrideLifetime(key, borrowing: self)
  }

  /// Whether all keys of a leaf are smaller than `key`.
  func ends(before key: RawSpan) throws(LMDBError) -> Bool {
    try self.key(nodeCount - 1).isBefore(key)
  }

  /// Whether a leaf has a greater key than `key`.
  func ends(after key: RawSpan) throws(LMDBError) -> Bool {
    try key.isBefore(self.key(nodeCount - 1))
  }

  /// Whether a leaf has a smaller key than `key`.
  func begins(before key: RawSpan) throws(LMDBError) -> Bool {
    try self.key(0).isBefore(key)
  }

  /// The page to which the node `index` of a branch leads.
  func child(_ index: Int) throws(LMDBError) -> UInt64 {
    try load(node(index), UInt64.self) & 0xFFFF_FFFF_FFFF
  }

  /// Which child of a branch holds `key`, where any does: the last one whose key is not greater. The key
  /// of the first one means nothing.
  func childIndex(for key: RawSpan, _ order: KeyOrder) throws(LMDBError) -> Int {
    var low = 1
    var high = nodeCount
    while low < high {
      let middle = (low + high) / 2
      if order.isAscending(key, try self.key(middle)) { high = middle } else { low = middle + 1 }
    }
    return low - 1
  }

  /// Between which keys those of a child stand.
  func bounds(ofChild index: Int, in bounds: KeyBounds) throws(LMDBError) -> KeyBounds {
    KeyBounds(
      least: index > 0 ? try key(index).array : bounds.least,
      end: index + 1 < nodeCount ? try key(index + 1).array : bounds.end)
  }

  /// The value of the node `index` of a leaf.
  func value(_ index: Int) throws(LMDBError) -> Value {
    let node = try node(index)
    let flags = try half(node + 4)
    return Value(
      size: Int(try load(node, UInt32.self)), offset: try keyRange(node).upperBound,
      isElsewhere: flags & Self.isElsewhere != 0, isDatabase: flags & Self.isDatabase != 0)
  }

  /// Offset of the node `index`.
  private func node(_ index: Int) throws(LMDBError) -> Int {
    try half(Self.headerBytes + 2 * index)
  }

  /// The number of two bytes at `offset`. Apart from ``load(_:_:)``, since it is asked for most.
  private func half(_ offset: Int) throws(LMDBError) -> Int {
    guard offset >= 0, offset < bytes.count - 1 else { throw damaged }
    return Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
  }

  private func keyRange(_ node: Int) throws(LMDBError) -> Range<Int> {
    let start = node + Self.nodeHeaderBytes
    return try start..<start + half(node + 6)
  }

  /// Bytes that the node at an offset takes.
  private func size(ofNode node: Int) throws(LMDBError) -> Int {
    var size = try Self.nodeHeaderBytes + half(node + 6)
    if isLeaf {
      let flags = try half(node + 4)
      guard flags & ~(Self.isElsewhere | Self.isDatabase) == 0 else { throw damaged }
      size += flags & Self.isElsewhere != 0 ? 8 : Int(try load(node, UInt32.self))
    }
    return size + size % 2
  }
}

extension FilePage {
  /// Checks the page whole: that it is the one that belongs here, that its nodes fill it without a gap,
  /// and that its keys stand in their order and within `bounds`.
  /// - Throws: ``LMDBError/Kind/damaged(file:page:)``.
  func check(isLeaf expected: Bool, _ order: KeyOrder, in bounds: KeyBounds) throws(LMDBError) {
    guard try load(0, UInt64.self) == place, isLeaf == expected, nodeCount >= (isLeaf ? 1 : 2)
    else { throw damaged }
    try checkNodes()
    // The first key of a branch means nothing, and is empty as a rule.
    let first = isLeaf ? 0 : 1
    for index in first..<nodeCount {
      let key = try key(index)
      guard order.allows(keyBytes: key.byteCount) else { throw damaged }
      if index > first, !order.isAscending(try self.key(index - 1), key) { throw damaged }
    }
    if let least = bounds.least, order.isAscending(try key(first), least.rawSpan) { throw damaged }
    if let end = bounds.end, !order.isAscending(try key(nodeCount - 1), end.rawSpan) {
      throw damaged
    }
  }

  /// Walks over the nodes as they lie in the page, and asks for each offset whether one begins there.
  private func checkNodes() throws(LMDBError) {
    var beginnings = [UInt64](repeating: 0, count: bytes.count / 128 + 1)
    var position = try half(14)
    var count = 0
    while position < bytes.count {
      beginnings[position / 128] |= 1 << UInt64(position / 2 % 64)
      position += try size(ofNode: position)
      count += 1
    }
    guard position == bytes.count, count == nodeCount else { throw damaged }
    for index in 0..<nodeCount {
      let node = try node(index)
      let bit: UInt64 = 1 << UInt64(node / 2 % 64)
      guard node % 2 == 0, node < bytes.count, beginnings[node / 128] & bit != 0 else {
        throw damaged
      }
      beginnings[node / 128] &= ~bit
    }
  }
}

extension RawSpan {
  /// The machine word at its beginning; all ones where it is too short for one.
  var machineWord: UInt64 {
    byteCount < 8 ? .max : unsafe unsafeLoadUnaligned(as: UInt64.self)
  }

  /// Whether it comes before `other` in LMDB's order of keys.
  func isBefore(_ other: RawSpan) -> Bool {
    let common = unsafe withUnsafeBytes { bytes -> Int32 in
      unsafe other.withUnsafeBytes { others in
        guard let start = bytes.baseAddress, let other = others.baseAddress else { return 0 }
        return unsafe memcmp(start, other, min(bytes.count, others.count))
      }
    }
    return common < 0 || (common == 0 && byteCount < other.byteCount)
  }
}
