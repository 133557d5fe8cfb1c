import CLMDB
import Glibc
import Synchronization
import SystemCalls

/// Figures of an environment, as of its last commit.
package struct EnvironmentInformation: Equatable, Sendable {
  package let mapSize: Int
  package let pageSize: Int
  /// Pages in use or free within the file, its two header pages included.
  package let pageCount: Int
  /// Number of the last committed transaction.
  package let lastTransaction: Int
}

/// Pages of a file that no tree uses.
package struct FreePages: Equatable, Sendable {
  package var all = 0
  /// Those that a transaction may take; what the newest one has freed, the one after the next.
  package var reusable = 0
  /// Those of them that the next transaction may take.
  package var reusableNext = 0
  /// Those that cannot be taken because somebody who reads still sees them.
  package var seen = 0

  package init() {}
}

extension Environment {
  /// Sizes, readers and the last transaction. Cheap: reads nothing but the header.
  package func information() throws(LMDBError) -> EnvironmentInformation {
    var figures = unsafe MDB_envinfo()
    try LMDBError.check(unsafe mdb_env_info(pointer, &figures), in: .information)
    var tree = MDB_stat()
    try LMDBError.check(unsafe mdb_env_stat(pointer, &tree), in: .information)
    return unsafe EnvironmentInformation(
      mapSize: figures.me_mapsize, pageSize: Int(tree.ms_psize),
      pageCount: figures.me_last_pgno + 1, lastTransaction: figures.me_last_txnid)
  }

  /// Clears the slots of readers whose process is gone, which would keep pages from being used
  /// again; returns how many there were.
  @discardableResult
  package func checkReaders() throws(LMDBError) -> Int {
    var dead: Int32 = 0
    try LMDBError.check(unsafe mdb_reader_check(pointer, &dead), in: .readerCheck)
    return Int(dead)
  }

  /// Pages that were freed. Reads the whole free list: seldom.
  package func freePages() throws(LMDBError) -> FreePages {
    // Before this one reads too.
    let oldestSeen = try oldestReader() ?? .max
    let newest = try information().lastTransaction
    let transaction = try beginRead()
    var cursor = try transaction.cursor(in: Database(identifier: 0))
    var pages = FreePages()
    while let entry = try cursor.next() {
      // Under the transaction that freed them: page numbers after their count, all as machine words.
      guard entry.key.byteCount == MemoryLayout<Int>.size,
        entry.value.byteCount >= MemoryLayout<Int>.size
      else { continue }
      let count = unsafe entry.value.unsafeLoadUnaligned(as: Int.self)
      pages.all += count
      let freedBy = unsafe entry.key.unsafeLoadUnaligned(as: Int.self)
      if freedBy < oldestSeen { pages.reusable += count } else { pages.seen += count }
      if freedBy < min(oldestSeen, newest) { pages.reusableNext += count }
    }
    return pages
  }

  /// The transaction that the oldest of those who read now sees, in any process; nil where nobody reads.
  package func oldestReader() throws(LMDBError) -> Int? {
    var oldest = Int.max
    // A line for each reader: process, thread, and the transaction that it sees, or `-`.
    let status = unsafe withUnsafeMutablePointer(to: &oldest) { oldest in
      unsafe mdb_reader_list(
        pointer,
        { text, oldest in
          guard let text = unsafe text, let oldest = unsafe oldest else { return 0 }
          let found = unsafe oldest.assumingMemoryBound(to: Int.self)
          for line in unsafe String(cString: text).split(separator: "\n") {
            let columns = line.split(separator: " ")
            guard columns.count == 3, let seen = Int(columns[2]) else { continue }
            unsafe found.pointee = min(found.pointee, seen)
          }
          return 0
        }, oldest)
    }
    // Otherwise the number of lines.
    if status < 0 { throw LMDBError(code: status, in: .readerCheck) }
    return oldest < .max ? oldest : nil
  }

  /// Length of the file in bytes.
  package func fileSize() throws(LMDBError) -> Int {
    var status = stat()
    guard unsafe fstat(try descriptor(), &status) == 0 else {
      throw LMDBError(code: errno, in: .information)
    }
    return status.st_size
  }

  /// False when the file lacks a page that is in use: the same test as at opening.
  package func isFileComplete() throws(LMDBError) -> Bool {
    do {
      _ = try FileHeader.read(path: path)
      return true
    } catch {
      guard error.kind == .truncated else { throw error }
      return false
    }
  }

  /// Whether the file was cut off, so that a page is missing that is in use. What the system does not tell
  /// is no reason to say so.
  package var isCutOff: Bool {
    guard let length = try? fileSize() else { return false }
    // The figures are read from the header, which is mapped: only where it is there.
    guard length >= 2 * pageSize else { return true }
    guard let figures = try? information(), length < figures.pageCount * figures.pageSize,
      // A commit beside this may have made it longer, and its header has told so: pages come first.
      let length = try? fileSize(), length < figures.pageCount * figures.pageSize
    else {
      knownLength.store(0, ordering: .relaxed)
      return false
    }
    // Free pages may lie beyond the end. That takes the whole list to find out, and stays so for as long as
    // the file stays as long: whoever uses one of them writes it.
    if knownLength.load(ordering: .relaxed) == length { return false }
    guard (try? isFileComplete()) != false else { return true }
    knownLength.store(length, ordering: .relaxed)
    return false
  }

  /// Bytes that the pages of the file at `path` take: the smallest map with which it can be opened.
  /// Nil where there is no file.
  /// - Throws: ``LMDBError/Kind/truncated``, ``LMDBError/Kind/invalid``.
  package static func usedBytes(ofFile path: String) throws(LMDBError) -> Int? {
    try FileHeader.read(path: path)?.usedBytes
  }

  /// Bytes up to which the file has blocks on the disk, those ahead of its end included. On a disk that
  /// compresses or shares blocks it may have more.
  package func allocatedBytes() throws(LMDBError) -> Int {
    var status = stat()
    guard unsafe fstat(try descriptor(), &status) == 0 else {
      throw LMDBError(code: errno, in: .information)
    }
    return max(status.st_size, status.st_blocks * 512)
  }

  /// Whether ``path`` still leads to the file that is open: not where that was deleted, or another file
  /// was put in its place.
  /// - Throws: ``LMDBError/Kind/system(errno:)`` where the system does not tell.
  package func hasItsName() throws(LMDBError) -> Bool {
    let descriptor = try descriptor()
    do throws(SystemFailure) { return try SystemCalls.path(path, leadsTo: descriptor) } catch {
      throw LMDBError(code: error.errno, in: .information)
    }
  }

  /// The descriptor of the file, which stays the environment's.
  package func descriptor() throws(LMDBError) -> Int32 {
    var descriptor: Int32 = -1
    try LMDBError.check(unsafe mdb_env_get_fd(pointer, &descriptor), in: .information)
    return descriptor
  }
}

extension Environment {
  /// Gives the file blocks on the disk from byte `start` to byte `end`, without changing its
  /// length: what is written there later cannot fail for want of room.
  /// - Throws: ``LMDBError/Kind/noSpace``; `EOPNOTSUPP` as ``LMDBError/Kind/system(errno:)`` from a
  ///   file system that cannot do it.
  package func allocate(from start: Int, to end: Int) throws(LMDBError) {
    let descriptor = try descriptor()
    while fallocate(descriptor, CLMDB_FALLOCATE_KEEP_SIZE, start, end - start) != 0 {
      guard errno == EINTR else { throw LMDBError(code: errno, in: .allocate) }
    }
  }

  /// The same on a file system that cannot allocate: writes zeros from the file's end on, so that it
  /// becomes longer. For the thread that holds the writing transaction, or could.
  /// - Returns: the byte up to which the file has blocks: less than `end` where the disk has no more.
  /// - Throws: ``LMDBError/Kind/ioError``: the disk may lose what the next sync calls written.
  package func writeZeros(to end: Int) throws(LMDBError) -> Int {
    let descriptor = try descriptor()
    let zeros = [UInt8](repeating: 0, count: 64 << 10)
    var position = try fileSize()
    while position < end {
      let count = unsafe zeros.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, min($0.count, end - position), off_t(position))
      }
      guard count > 0 else {
        // Want of room is met again by what needs it.
        if count < 0, errno == EIO { throw LMDBError(.ioError, in: .allocate) }
        break
      }
      position += count
    }
    return position
  }
}
