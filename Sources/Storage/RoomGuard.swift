import Glibc
import LMDB
import SystemCalls

/// Keeps room for what must always be possible. LMDB copies on write: even deleting needs pages.
///
/// Room is what the map and the blocks on the disk still have beyond the file's last page, and, where
/// that is little, the free pages within the file too. Ordinary jobs are admitted while there is more of
/// it than the reserve. Used on the writer's thread only.
struct RoomGuard {
  /// The free pages that can be used, as they were counted once, less what may have been used since.
  private struct CountedPages {
    var count: Int
    /// Of those that the next transaction could take then, what all batches since have left for certain.
    var certain: Int
    /// Whether there are others, which can be used when somebody who reads has ended.
    let someAreSeen: Bool
    let nextCountNanoseconds: UInt64
  }

  /// Jobs that find room, of those that wait.
  struct Admitted: Equatable {
    /// Ordinary ones; 0 means full.
    var ordinary: Int
    /// All of them, reserved ones included; 0 where the reserve is used up too.
    var all: Int
  }

  /// How blocks are put ahead of the file's end.
  private enum Method {
    case allocating
    /// On a file system that cannot allocate: zeros are written, and the file becomes longer.
    case writing
  }

  /// Pages that a batch takes beside one for each job: those above the leaves, and of the free list.
  private static let pagesOfABatch = 32
  /// Bytes that are written ahead at a time beyond the reserve, where none can be allocated.
  private static let writtenAhead = 1 << 20
  /// The least that is looked for on a disk that is nearly full.
  private static let leastPiece = 64 << 10

  private var environment: Environment
  /// Bytes up to which the file has blocks on the disk, as far as is known.
  private var allocatedEnd = 0
  private var method = Method.allocating
  /// Whether the disk had less than was looked for, the last time.
  private var fellShort = false
  private var freePages: CountedPages?
  private var shares = ReserveShares()

  init(environment: Environment) { self.environment = environment }

  /// Keeps room in `environment` from now on: a compaction has put another file in the place of the
  /// one that was known.
  mutating func follow(_ environment: Environment) {
    guard environment !== self.environment else { return }
    self = RoomGuard(environment: environment)
  }

  /// Bytes that only reserved jobs may use, of a map of `mapSize`: a quarter, from 256 KiB to
  /// 64 MiB, and a 128th of a map that is larger than 8 GiB.
  ///
  /// A deletion adds an entry and a leaf of some 350 bytes to the audit log, and what it frees is of use
  /// only when a page has become empty: by 160 bytes for each card where they are deleted in their order, and by up
  /// to 316 where those of several merchants lie among each other. 64 MiB are some 215,000 deletions then.
  static func reserve(ofMap mapSize: Int) -> Int {
    max(min(max(mapSize / 4, 256 << 10), 64 << 20), mapSize / 128)
  }

  /// The part of it that clients' deletions leave to outcomes and administration: an eighth, at least 64 KiB.
  static func lastPart(ofReserve reserve: Int) -> Int { max(reserve / 8, 64 << 10) }

  /// How many of so many ordinary jobs, and of `all`, may be applied now, at a page each, which is
  /// several times what a job of this vault adds.
  ///
  /// Reserved ones are bounded by the disk alone: LMDB tells the end of the map cleanly, but takes a
  /// write that a full disk cuts short for a failure of the disk, after which nothing may be written.
  /// - Parameters:
  ///   - pending: pages that LMDB's next commit may take for batches that are in the journal.
  ///   - ahead: pages for which room is to be certain, where there is that much.
  /// - Throws: ``LMDBError/Kind/ioError``: nothing may be written any more.
  mutating func admit(
    ordinary: Int, all: Int, pending: Int = 0, ahead: Int = 0
  ) throws(LMDBError) -> Admitted {
    guard let figures = try? environment.information() else { return Admitted(ordinary: 0, all: 0) }
    let reserve = Self.reserve(ofMap: figures.mapSize)
    let committedEnd = figures.pageCount * figures.pageSize
    let end = committedEnd + pending * figures.pageSize
    let needed = (all + Self.pagesOfABatch) * figures.pageSize
    let certain = max(ahead, pending) * figures.pageSize
    // Twice as much as is looked for, so that this happens seldom.
    try allocate(
      beyond: committedEnd, ahead: max(reserve + certain, needed),
      upTo: max(2 * max(reserve, needed), reserve + 2 * certain), mapSize: figures.mapSize)
    let surplus = (min(allocatedEnd, figures.mapSize) - end - reserve) / figures.pageSize
    var admitted = Admitted(ordinary: ordinary, all: all)
    if surplus < ordinary {
      let free = countedPages(needed: ordinary - surplus)
      admitted.ordinary = min(ordinary, max(0, surplus + free))
      if admitted.ordinary == 0 {
        noteSharedRoom(figures, free: free)
      } else {
        // Those above the leaves too: what they were before can be used after the next batch at the earliest.
        freePages?.count -= admitted.ordinary + Self.pagesOfABatch
      }
    }
    if admitted.ordinary > 0 { shares.forget() }
    defer { freePages?.certain -= admitted.all + Self.pagesOfABatch }
    guard allocatedEnd < min(end + needed, figures.mapSize) else { return admitted }
    let left = Files.availableBytes(beside: environment.path) ?? needed
    let onDisk =
      (max(allocatedEnd - end, 0) + min(left, needed)) / figures.pageSize - Self.pagesOfABatch
    if onDisk < all {
      // Those that the open transaction may have taken are still counted as free.
      let free = certainPages(needed: all - onDisk + pending) - pending
      admitted.all = min(all, max(0, onDisk + free))
    }
    return admitted
  }

  /// Whether LMDB can take so many pages beyond the last one that is committed, whatever happens: the map has
  /// room for them, the disk has blocks, and the reserve stays beside them. Free pages within the file do not
  /// count.
  func isCertain(ofPages pages: Int) -> Bool {
    guard method == .allocating, let figures = try? environment.information() else { return false }
    let needed = (figures.pageCount + pages) * figures.pageSize
    let reserve = Self.reserve(ofMap: figures.mapSize)
    return needed + reserve <= min(allocatedEnd, figures.mapSize)
  }

  /// Whether a client may have a job done in this batch that takes of the reserve, where ordinary ones are
  /// refused; it counts as done.
  mutating func takeShare(of client: UInt32) -> Bool { shares.take(by: client) }

  /// Whether there would be more room if those who read ended.
  var readersKeepRoom: Bool { freePages?.someAreSeen == true }

  private mutating func noteSharedRoom(_ figures: EnvironmentInformation, free: Int) {
    let kept = Self.lastPart(ofReserve: Self.reserve(ofMap: figures.mapSize))
    let beyond = min(allocatedEnd, figures.mapSize) - figures.pageCount * figures.pageSize
    shares.note(pagesLeft: (beyond - kept) / figures.pageSize + free)
  }

  /// Puts so many bytes of blocks ahead of the last page, so that the reserve is on the disk and not only
  /// in the map; where there are fewer, up to `most`.
  private mutating func allocate(
    beyond end: Int, ahead: Int, upTo most: Int, mapSize: Int
  ) throws(LMDBError) {
    guard min(end + ahead, mapSize) > allocatedEnd else { return }
    switch method {
    case .allocating:
      let limit = min(end + most, mapSize)
      if !fellShort, extend(from: end, to: limit) { return }
      extendByPieces(from: max(end, allocatedEnd), to: limit)
      if method == .writing {
        try allocate(beyond: end, ahead: ahead, upTo: most, mapSize: mapSize)
      }
    case .writing:
      let limit = min(end + ahead + Self.writtenAhead, mapSize)
      do throws(LMDBError) { allocatedEnd = try environment.writeZeros(to: limit) } catch {
        guard error.kind != .ioError else { throw error }
      }
    }
  }

  /// Finds what a disk has that is nearly full, and blocks that the file has already. Where there is
  /// nothing, that takes one call, so that it can be asked again and again.
  private mutating func extendByPieces(from start: Int, to limit: Int) {
    var start = start
    var piece = Self.leastPiece
    while method == .allocating, start < limit {
      if extend(from: start, to: min(start + piece, limit)) {
        start = allocatedEnd
        piece *= 2
      } else if piece > Self.leastPiece {
        piece = Self.leastPiece
      } else {
        break
      }
    }
    fellShort = start < limit
  }

  /// Whether the file has blocks from `start` to `end` now.
  private mutating func extend(from start: Int, to end: Int) -> Bool {
    do throws(LMDBError) {
      try environment.allocate(from: start, to: end)
      allocatedEnd = end
      return true
    } catch {
      switch error.kind {
      case .system(errno: EOPNOTSUPP), .system(errno: ENOSYS): method = .writing
      default: break
      }
      return false
    }
  }

  /// Free pages that may be counted on. Counting reads the whole list, so it is done when the last
  /// count does not suffice any more, and seldom when the list is long.
  private mutating func countedPages(needed: Int) -> Int {
    if let freePages {
      if freePages.count >= needed { return freePages.count }
      if SystemClock.monotonicNanoseconds() < freePages.nextCountNanoseconds {
        return max(0, freePages.count)
      }
    }
    return countPages()?.count ?? 0
  }

  /// The same of those that the next transaction can take, whatever the batches since the count took.
  private mutating func certainPages(needed: Int) -> Int {
    if let freePages {
      if freePages.certain >= needed { return freePages.certain }
      if SystemClock.monotonicNanoseconds() < freePages.nextCountNanoseconds {
        return max(0, freePages.certain)
      }
    }
    return countPages()?.certain ?? 0
  }

  private mutating func countPages() -> CountedPages? {
    // By the thread's own time: that others keep the processor is no reason to call the store full.
    let begin = SystemClock.threadNanoseconds()
    guard let found = try? environment.freePages() else { return nil }
    let cost = SystemClock.threadNanoseconds() - begin
    // A count that took a millisecond may take a twentieth of the time, one that took less is free.
    let pause = cost < 1_000_000 ? 0 : 20 * cost
    freePages = CountedPages(
      count: found.reusable, certain: found.reusableNext, someAreSeen: found.seen > 0,
      nextCountNanoseconds: SystemClock.monotonicNanoseconds() + pause)
    return freePages
  }
}
