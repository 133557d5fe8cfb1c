import CLMDB
import Glibc

/// Zeros written beyond the last page, so that a commit changes blocks that the file has already.
///
/// A commit that makes the file longer, or fills blocks that are allocated but were never written,
/// also has to change what the file system keeps about the file: on ext4 the sync then waits for the
/// journal too, which takes as long again. `fallocate` alone does not help. Nothing depends on
/// these zeros: LMDB reads no page before it has written it.
enum WrittenRoom {
  /// Bytes that are kept written ahead of the last page, in a store that is large enough: two thousand
  /// cards' room.
  private static let mostBytes = 1 << 20
  /// As much as a store keeps that holds nothing yet.
  private static let leastBytes = 64 << 10
  /// Bytes that are written at a time: the commit that finds too little room waits for them, some
  /// 0.4 ms.
  private static let pieceBytes = 256 << 10

  private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

  /// Keeps room in the file of `environment`: a quarter of what is in use, within bounds.
  ///
  /// Call it while the calling thread's writing transaction has just begun: nobody else can write
  /// pages then, and this transaction has written none. Bytes that the file has are never touched.
  /// Without success, commits are slower.
  /// - Throws: ``LMDBError/Kind/ioError``: a disk that fails here may lose what the next sync calls
  ///   written.
  static func keep(in environment: Environment) throws(LMDBError) {
    guard let figures = try? environment.information(),
      let descriptor = try? environment.descriptor(), let length = try? environment.fileSize()
    else { return }
    let used = figures.pageCount * figures.pageSize
    let room = min(max(used / 4, leastBytes), mostBytes)
    guard length < used + room else { return }
    let start = max(length, used)
    let end = min(start + min(room, pieceBytes), figures.mapSize)
    let position = try writeZeros(to: descriptor, from: start, to: end)
    guard position > start else { return }
    // Lets the disk begin at once: when these blocks are needed, they are done.
    try checkDisk(
      Int(
        sync_file_range(
          descriptor, off_t(start), off_t(position - start), CLMDB_SYNC_FILE_RANGE_WRITE)))
  }

  /// Writes zeros; returns where that came to an end.
  /// - Throws: ``LMDBError/Kind/ioError``.
  static func writeZeros(
    to descriptor: Int32, from start: Int, to end: Int
  ) throws(LMDBError) -> Int {
    var position = start
    while position < end {
      let count = unsafe zeros.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, min($0.count, end - position), off_t(position))
      }
      guard count > 0 else {
        try checkDisk(count)
        break
      }
      position += count
    }
    return position
  }

  /// Throws where a call that gave `result` says that the disk has failed. Want of room is met again by
  /// what needs it.
  private static func checkDisk(_ result: Int) throws(LMDBError) {
    if result < 0, errno == EIO { throw LMDBError(.ioError, in: .allocate) }
  }
}
