import Glibc

/// What an LMDB file says of itself in its two header pages, read without mapping it.
///
/// Layout of a header page (LMDB 0.9, 64 bits, machine byte order): page header of 16 bytes;
/// magic(4) `0xBEEFC0DE`; version(4) 1; address(8); map size(8); the free list's tree(48), whose
/// first 4 bytes are the page size; the main tree(48); last page(8); transaction(8). The second
/// page follows at the page size. The one with the greater transaction counts; transactions go to the
/// pages in turn, an even one to the first.
struct FileHeader: Equatable {
  let pageSize: Int
  let lastPage: Int
  let freeList: FileTree
  /// The main tree, which describes the named databases.
  let names: FileTree
  let transaction: UInt64

  /// Bytes that the pages in use take.
  var usedBytes: Int { (lastPage + 1) * pageSize }

  static func == (first: FileHeader, second: FileHeader) -> Bool {
    first.transaction == second.transaction && first.usedBytes == second.usedBytes
  }

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
    let headers = try FileHeaders(of: descriptor, fileBytes: length(of: descriptor))
    // Now, since somebody may write it: LMDB writes pages before the header that tells of them.
    let bytes = try length(of: descriptor)
    let file = headers.file(path, descriptor, fileBytes: bytes)
    guard try headers.newest.isComplete(file, fileBytes: bytes) else {
      throw LMDBError(.truncated, in: .inspect)
    }
    return headers.newest
  }

  private static func length(of descriptor: Int32) throws(LMDBError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw LMDBError(code: errno, in: .inspect) }
    return status.st_size
  }

  /// True when the file holds every page that is in use.
  func isComplete(_ file: PageFile, fileBytes: Int) throws(LMDBError) -> Bool {
    guard fileBytes < usedBytes else { return true }
    do throws(LMDBError) {
      return try FreeList(self, of: file).holdsAllMissing(upTo: lastPage)
    } catch {
      guard error.kind == .truncated else { throw error }
      return false
    }
  }

  /// The header in the first 152 bytes of a page, or nil when they are not one.
  fileprivate static func parse(_ bytes: RawSpan) -> FileHeader? {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
      unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
    guard bytes.byteCount >= 152, load(16, as: UInt32.self) == 0xBEEF_C0DE else { return nil }
    let pageSize = Int(load(40, as: UInt32.self))
    let lastPage = load(136, as: UInt64.self)
    guard pageSize >= 512, pageSize <= 65536, pageSize.nonzeroBitCount == 1 else { return nil }
    guard lastPage < UInt64(Int.max / pageSize) - 1 else { return nil }
    // Of the free list's flags, those for the order of keys and values; the others are the map's.
    guard load(44, as: UInt16.self) & 0xFF == 8, var names = FileTree(bytes.extracting(88..<136))
    else { return nil }
    names.isOfNames = true
    let freeList = FileTree(
      depth: Int(load(46, as: UInt16.self)), entryCount: load(72, as: UInt64.self),
      root: load(80, as: UInt64.self), order: .numbers)
    return FileHeader(
      pageSize: pageSize, lastPage: Int(lastPage), freeList: freeList, names: names,
      transaction: load(144, as: UInt64.self))
  }
}

/// Both header pages of a file.
struct FileHeaders {
  let first: FileHeader
  let second: FileHeader

  var newest: FileHeader { second.transaction > first.transaction ? second : first }
  private var older: FileHeader { second.transaction > first.transaction ? first : second }

  /// - Throws: ``LMDBError/Kind/truncated``, ``LMDBError/Kind/invalid``.
  init(of descriptor: Int32, fileBytes: Int) throws(LMDBError) {
    guard let first = try Self.page(of: descriptor, at: 0) else {
      throw LMDBError(.invalid, in: .inspect)
    }
    guard fileBytes >= 2 * first.pageSize else { throw LMDBError(.truncated, in: .inspect) }
    guard let second = try Self.page(of: descriptor, at: first.pageSize),
      second.pageSize == first.pageSize
    else { throw LMDBError(.invalid, in: .inspect) }
    self.first = first
    self.second = second
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
    return unsafe FileHeader.parse(bytes.span.bytes)
  }

  /// The pages of the file that are whole, as the newest header counts them.
  func file(_ path: String, _ descriptor: Int32, fileBytes: Int) -> PageFile {
    let newest = newest
    return PageFile(
      path: path, descriptor: descriptor, pageSize: newest.pageSize,
      pageCount: min(fileBytes / newest.pageSize, newest.lastPage + 1))
  }

  /// Checks that the header that counts is the last one that was written: a transaction's number that a
  /// flipped bit has changed would send the file back by one commit, without a word.
  ///
  /// Each commit frees pages, and says so under its own number in the free list, where that has any.
  /// - Parameter freed: the newest number in the free list of the newest header.
  func check(_ file: PageFile, freed: UInt64?) throws(LMDBError) {
    let (newest, older) = (newest, older)
    let newestPage: UInt64 = second.transaction > first.transaction ? 1 : 0
    // A new file's headers have no number yet.
    guard newest.transaction > 0 else { return }
    guard first.transaction % 2 == 0, second.transaction % 2 == 1,
      newest.transaction - older.transaction == 1, freed.map({ $0 == newest.transaction }) ?? true
    else { throw file.damaged(at: newestPage) }
    // The pages of the commit before are not used again before the next one. A list that names a later
    // commit, in a file that has grown with it, belongs to a header that counts and does not say so.
    // After a header page could not be written it may name one that was never acknowledged.
    guard older.lastPage > newest.lastPage else { return }
    throw file.damaged(at: 1 - newestPage)
  }
}
