import Glibc
import LMDB

/// Keeps room for what must always be possible. LMDB copies on write: even deleting needs pages.
///
/// Room is what the map and the blocks allocated on the disk still have beyond the file's last
/// page, and, when that is little, the free pages within the file too. Ordinary jobs are admitted
/// while there is more of it than the reserve. Used on the writer's thread only.
struct RoomGuard {
  private let environment: Environment
  /// Bytes up to which blocks are known to be allocated.
  private var allocatedEnd = 0
  private var canAllocate = true

  init(environment: Environment) { self.environment = environment }

  /// Bytes that only reserved jobs may use, of a map of `mapSize`.
  static func reserve(ofMap mapSize: Int) -> Int {
    min(max(mapSize / 8, 256 << 10), 64 << 20)
  }

  /// True while there is more room than the reserve.
  mutating func admitsOrdinary() -> Bool {
    guard let figures = try? environment.information() else { return false }
    let reserve = Self.reserve(ofMap: figures.mapSize)
    let end = figures.pageCount * figures.pageSize
    guard figures.headroom < reserve else { return true }
    guard let free = try? environment.freePageCount() else { return false }
    _ = end
    return figures.headroom + free * figures.pageSize >= reserve
  }
}
