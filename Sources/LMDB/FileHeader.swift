import Glibc

/// What an LMDB file says of itself in its two header pages, read without mapping it.
///
/// Layout of a header page (LMDB 0.9, 64 bits, machine byte order): page header of 16 bytes;
/// magic(4) `0xBEEFC0DE`; version(4) 1; address(8); map size(8); the free list's tree(48), whose
/// first 4 bytes are the page size; the main tree(48); last page(8); transaction(8). The second
/// page follows at the page size. The one with the greater transaction counts.
struct FileHeader: Equatable {
  let pageSize: Int
  let lastPage: Int
  /// First page of the free list's tree, all ones where it is empty.
  let freeListRoot: UInt64
  /// Depth, entries and root of the main tree, which describes the named databases.
  let namesDepth: Int
  let namesCount: UInt64
  let namesRoot: UInt64
  let transaction: UInt64

  /// Bytes that the pages in use take.
  var usedBytes: Int { (lastPage + 1) * pageSize }

  /// Reads the header of the file at `path`; nil where there is no file.
  /// - Throws: ``LMDBError/Kind/truncated`` when the file is shorter than its pages,
  ///   ``LMDBError/Kind/invalid`` when neither page is a header.
  static func read(path: String) throws(LMDBError) -> FileHeader? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw LMDBError(code: errno, in: .inspect)
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw LMDBError(code: errno, in: .inspect) }
    let header = try newest(of: descriptor, fileBytes: status.st_size)
    guard try header.isComplete(descriptor, fileBytes: status.st_size) else {
      throw LMDBError(.truncated, in: .inspect)
    }
    return header
  }

  /// True when the file holds every page that is in use.
  private func isComplete(_ descriptor: Int32, fileBytes: Int) throws(LMDBError) -> Bool {
    guard fileBytes < usedBytes else { return true }
    let file = PageFile(
      descriptor: descriptor, pageSize: pageSize, pageCount: fileBytes / pageSize)
    return try FreeList(file: file).holdsAllMissing(upTo: lastPage, root: freeListRoot)
  }

  private static func newest(
    of descriptor: Int32, fileBytes: Int
  ) throws(LMDBError) -> FileHeader {
    guard fileBytes >= 2 * 512 else { throw LMDBError(.truncated, in: .inspect) }
    guard let first = try page(of: descriptor, at: 0) else {
      throw LMDBError(.invalid, in: .inspect)
    }
    guard fileBytes >= 2 * first.pageSize else { throw LMDBError(.truncated, in: .inspect) }
    guard let second = try page(of: descriptor, at: first.pageSize) else {
      throw LMDBError(.invalid, in: .inspect)
    }
    return second.transaction > first.transaction ? second : first
  }

  private static func page(
    of descriptor: Int32, at offset: Int
  ) throws(LMDBError) -> FileHeader? {
    var bytes = [UInt8](repeating: 0, count: 152)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, offset)
    }
    guard count >= 0 else { throw LMDBError(code: errno, in: .inspect) }
    guard count == bytes.count else { throw LMDBError(.truncated, in: .inspect) }
    return unsafe parse(bytes.span.bytes)
  }

  /// The header in the first 152 bytes of a page, or nil when they are not one.
  static func parse(_ bytes: RawSpan) -> FileHeader? {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
      unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
    guard bytes.byteCount >= 152, load(16, as: UInt32.self) == 0xBEEF_C0DE else { return nil }
    let pageSize = Int(load(40, as: UInt32.self))
    let lastPage = load(136, as: UInt64.self)
    guard pageSize >= 512, pageSize <= 65536, pageSize.nonzeroBitCount == 1 else { return nil }
    guard lastPage < UInt64(Int.max / pageSize) - 1 else { return nil }
    return FileHeader(
      pageSize: pageSize, lastPage: Int(lastPage), freeListRoot: load(80, as: UInt64.self),
      namesDepth: Int(load(94, as: UInt16.self)), namesCount: load(120, as: UInt64.self),
      namesRoot: load(128, as: UInt64.self), transaction: load(144, as: UInt64.self))
  }
}
