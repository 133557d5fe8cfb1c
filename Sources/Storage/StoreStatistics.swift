package import LMDB

/// How large the store is and how much of it is used, for `store stats` and metrics.
package struct StoreStatistics: Equatable, Sendable {
  /// Figures of one of the two files.
  package struct File: Equatable, Sendable {
    package let information: EnvironmentInformation
    /// Length of the file in bytes.
    package let fileBytes: Int
    /// Bytes in pages that were freed and will be used again.
    package let freeBytes: Int

    init(_ environment: Environment) throws(LMDBError) {
      information = try environment.information()
      fileBytes = try environment.fileSize()
      freeBytes = try environment.freePageCount() * information.pageSize
    }
  }

  package let cards: File
  package let index: File
  /// Entries, pages and depth of every table.
  package let tables: [Table: DatabaseStatistics]
  /// Bytes that only deletions, outcomes and administration may use.
  package let reservedBytes: Int
}

extension Store {
  /// Counts everything. Reads the free lists, so that it is for people, not for each request.
  package func statistics() throws(StorageError) -> StoreStatistics {
    do throws(LMDBError) {
      let generation = generations.value
      let cards = try StoreStatistics.File(generation.environment)
      let transaction = try generation.environment.beginRead()
      var figures: [Table: DatabaseStatistics] = [:]
      for table in Table.allCases {
        figures[table] = try transaction.statistics(of: generation.tables[table])
      }
      return StoreStatistics(
        cards: cards, index: try StoreStatistics.File(index.environment), tables: figures,
        reservedBytes: RoomGuard.reserve(ofMap: cards.information.mapSize))
    } catch { throw StorageError(error) }
  }
}
