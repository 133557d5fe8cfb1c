import LMDB

/// What is left for new cards in `cards.mdb`, beside what is reserved for deletions, outcomes and
/// administration.
package struct StoreRoom: Equatable, Sendable {
  /// What would end first.
  package enum Limit: String, Sendable {
    case mapSize = "store.map_size"
    case disk
    /// How much of a file this process may write.
    case fileSize = "RLIMIT_FSIZE"
  }

  /// Bytes that new cards may still take, in free pages of the file and beyond its end; 0 where they are
  /// refused.
  package let availableBytes: Int
  /// Bytes by which what ends first has to grow until a new card is taken; 0 where one is.
  package let lackingBytes: Int
  /// Bytes of the file that are in use, without free pages.
  private let occupiedBytes: Int
  package let limit: Limit
  /// Bytes that the disk has left for this user, whatever for.
  package let diskBytes: Int

  /// Whether new cards are refused for want of room.
  package var isFull: Bool { lackingBytes > 0 }

  /// How much of what new cards may use is used, in percent.
  package var usedPercent: Int {
    isFull ? 100 : Int(Double(occupiedBytes) * 100 / Double(max(occupiedBytes + availableBytes, 1)))
  }

  /// About how many new cards fit: each takes a record, an entry of the log and its leaf hash, some 550
  /// bytes.
  package var availableCards: Int { availableBytes / Self.bytesPerCard }

  private static let bytesPerCard = 550
  /// What is less than this counts as nothing: it comes and goes with every deletion, and on a disk that
  /// is nearly full it is not looked for.
  private static let leastBytes = 64 << 10

  /// - Parameters:
  ///   - isRefusing: whether the writer refuses new cards for want of room now.
  ///   - countsFreePages: whether free pages are counted, which takes a look at the whole free list.
  init(
    _ environment: Environment, isRefusing: Bool, countsFreePages: Bool
  ) throws(LMDBError) {
    let figures = try environment.information()
    let end = figures.pageCount * figures.pageSize
    let reserve = RoomGuard.reserve(ofMap: figures.mapSize)
    let free = countsFreePages ? try environment.freePages() : FreePages()
    let freeBytes = free.reusable * figures.pageSize
    // A disk that does not tell is no bound.
    let left = Files.availableBytes(beside: environment.path)
    diskBytes = left ?? 0
    let diskEnd = max(try environment.allocatedBytes(), end).addingReportingOverflow(left ?? .max)
    let disk = (diskEnd.overflow ? Int.max : diskEnd.partialValue) - end - reserve
    let map = figures.mapSize - end - reserve
    limit = disk < map ? .disk : environment.isBoundByFileSizeLimit ? .fileSize : .mapSize
    let available = min(map, disk) + freeBytes
    let isFull = isRefusing || available < Self.leastBytes
    availableBytes = isFull ? 0 : available
    lackingBytes = isFull ? max(Self.leastBytes - available, figures.pageSize) : 0
    occupiedBytes = end - free.all * figures.pageSize
  }
}

extension Store {
  /// What is left for new cards. For people, and once a second, not for each request.
  ///
  /// - Parameter countsFreePages: whether free pages within the file are counted, which reads the whole
  ///   free list. Without them there is less than there is.
  package func room(countsFreePages: Bool = true) throws(StorageError) -> StoreRoom {
    let environment = generations.value.environment
    return try engine(
      StoreRoom(
        environment, isRefusing: isRefusingForRoom, countsFreePages: countsFreePages))
  }
}
