import Glibc
import LMDB
import SystemCalls

/// Keeps room for what must always be possible. LMDB copies on write: even deleting needs pages.
///
/// Room is what the map and the blocks allocated on the disk still have beyond the file's last
/// page, and, where that is little, the free pages within the file too. Ordinary jobs are admitted
/// while there is more of it than the reserve. Used on the writer's thread only.
struct RoomGuard {
  /// The free pages as they were counted once, less what may have been used since.
  private struct FreePages {
    var count: Int
    let transaction: Int
    let nextCountNanoseconds: UInt64
  }

  private var environment: Environment
  /// Bytes up to which the file has blocks on the disk.
  private var allocatedEnd = 0
  /// False on a file system that cannot allocate ahead: the disk's end is met when it comes.
  private var canAllocate = true
  private var freePages: FreePages?

  init(environment: Environment) { self.environment = environment }

  /// Keeps room in `environment` from now on: a compaction has put another file in the place of the
  /// one that was known.
  mutating func follow(_ environment: Environment) {
    guard environment !== self.environment else { return }
    self = RoomGuard(environment: environment)
  }

  /// Bytes that only reserved jobs may use, of a map of `mapSize`: a quarter, from 256 KiB to
  /// 64 MiB.
  ///
  /// A deletion frees some 190 bytes and adds an entry and a leaf of some 350 to the audit log, so a
  /// full store grows while it is emptied: by about 160 bytes for each card that took 550. A quarter
  /// lets all of them be deleted, 64 MiB some 400,000.
  static func reserve(ofMap mapSize: Int) -> Int {
    min(max(mapSize / 4, 256 << 10), 64 << 20)
  }

  /// How many of `wanted` ordinary jobs may be applied now, at a page each, which is several times
  /// what a job of this vault adds; 0 means full.
  mutating func admit(_ wanted: Int) -> Int {
    guard wanted > 0 else { return 0 }
    guard let figures = try? environment.information() else { return 0 }
    let reserve = Self.reserve(ofMap: figures.mapSize)
    let end = figures.pageCount * figures.pageSize
    allocate(beyond: end, reserve: reserve, mapSize: figures.mapSize)
    let usableEnd = canAllocate ? min(allocatedEnd, figures.mapSize) : figures.mapSize
    let surplus = (usableEnd - end - reserve) / figures.pageSize
    guard surplus < wanted else { return wanted }
    let admitted = min(wanted, max(0, surplus + countedPages(figures, needed: wanted - surplus)))
    freePages?.count -= admitted
    return admitted
  }

  /// Allocates blocks ahead of the last page, without changing its length, so that the reserve is
  /// on the disk and not only in the map.
  private mutating func allocate(beyond end: Int, reserve: Int, mapSize: Int) {
    guard canAllocate, min(end + reserve, mapSize) > allocatedEnd else { return }
    // Twice the reserve, so that this happens seldom; the reserve alone where that is too much.
    for target in [min(end + 2 * reserve, mapSize), min(end + reserve, mapSize)] {
      do throws(LMDBError) {
        try environment.allocate(from: end, to: target)
        allocatedEnd = target
        return
      } catch {
        canAllocate = error.kind != .system(errno: EOPNOTSUPP)
      }
    }
  }

  /// Free pages that may be counted on. Counting reads the whole list, so it is done when the last
  /// count does not suffice any more, and seldom when the list is long.
  private mutating func countedPages(_ figures: EnvironmentInformation, needed: Int) -> Int {
    if let freePages {
      let isCurrent = freePages.transaction == figures.lastTransaction
      if freePages.count >= needed || isCurrent { return freePages.count }
      if SystemClock.monotonicNanoseconds() < freePages.nextCountNanoseconds {
        return max(0, freePages.count)
      }
    }
    // By the thread's own time: that others keep the processor is no reason to call the store full.
    let begin = SystemClock.threadNanoseconds()
    guard let count = try? environment.freePageCount() else { return 0 }
    let cost = SystemClock.threadNanoseconds() - begin
    // A count that took a millisecond may take a twentieth of the time, one that took less is free.
    let pause = cost < 1_000_000 ? 0 : 20 * cost
    freePages = FreePages(
      count: count, transaction: figures.lastTransaction,
      nextCountNanoseconds: SystemClock.monotonicNanoseconds() + pause)
    return count
  }
}
