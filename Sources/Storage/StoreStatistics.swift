import LMDB

/// How large `cards.mdb` is and how much of it is used, in bytes, as of the last commit.
package struct StoreStatistics: Equatable, Sendable {
  /// Length of the file.
  package let fileBytes: Int
  /// Bytes of pages that are in use or free within the file.
  package let usedBytes: Int
  /// The greatest size that the file may have.
  package let mapBytes: Int
  package let pageBytes: Int
  /// Number of the last transaction that was committed.
  package let lastTransaction: Int
}

extension Store {
  /// Sizes, from the file's header: cheap.
  package func statistics() throws(StorageError) -> StoreStatistics {
    let generation = generations.value
    let figures = try engine(generation.environment.information())
    return StoreStatistics(
      fileBytes: try generation.fileBytes(), usedBytes: figures.pageCount * figures.pageSize,
      mapBytes: figures.mapSize, pageBytes: figures.pageSize,
      lastTransaction: figures.lastTransaction)
  }

  /// Bytes in pages that were freed and will be used again. Reads the whole free list, so that it is
  /// for people, not for each request.
  package func freeBytes() throws(StorageError) -> Int {
    let environment = generations.value.environment
    return try engine(environment.freePages().all * environment.information().pageSize)
  }

  /// False when the file lacks a page that is in use.
  package func isFileComplete() throws(StorageError) -> Bool {
    try engine(generations.value.environment.isFileComplete())
  }
}
