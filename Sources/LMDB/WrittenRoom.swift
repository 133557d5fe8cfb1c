import CLMDB
import Glibc

/// Zeros written beyond the last page, so that a commit changes blocks that the file has already.
///
/// A commit that makes the file longer, or fills blocks that are allocated but were never written,
/// also has to change what the file system keeps about the file: the sync then waits for the file
/// system's journal too, which takes as long again. `fallocate` alone does not help. Nothing depends on
/// these zeros: LMDB reads no page before it has written it.
struct WrittenRoom {
  /// Bytes that are kept written ahead of the last page, and written at a time: a thousandth of a
  /// second's work, two thousand cards' room.
  private static let bytes = 1 << 20

  private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

  /// Keeps room in the file of `environment`.
  ///
  /// Call it while the calling thread's writing transaction has just begun: nobody else can write
  /// pages then, and this transaction has written none. Without success, commits are slower.
  static func keep(in environment: Environment) {
    guard let figures = try? environment.information(),
      let descriptor = try? environment.descriptor(), let written = try? environment.fileSize()
    else { return }
    let used = figures.pageCount * figures.pageSize
    // A small map is not to be filled with room.
    let room = min(bytes, figures.mapSize / 32)
    guard written < used + room else { return }
    let start = max(written, used)
    let end = min(start + room, figures.mapSize)
    var position = start
    while position < end {
      let count = unsafe zeros.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, min($0.count, end - position), off_t(position))
      }
      guard count > 0 else { break }
      position += count
    }
    // Lets the disk begin at once, and waits for nothing: the next commits are to find it done.
    sync_file_range(descriptor, off_t(start), off_t(position - start), CLMDB_SYNC_FILE_RANGE_WRITE)
  }
}
