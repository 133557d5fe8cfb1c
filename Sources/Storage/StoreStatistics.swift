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
    do throws(LMDBError) {
      let environment = generations.value.environment
      let figures = try environment.information()
      return StoreStatistics(
        fileBytes: try environment.fileSize(), usedBytes: figures.pageCount * figures.pageSize,
        mapBytes: figures.mapSize, pageBytes: figures.pageSize,
        lastTransaction: figures.lastTransaction)
    } catch { throw StorageError(error) }
  }

  /// Bytes in pages that were freed and will be used again. Reads the whole free list, so that it is
  /// for people, not for each request.
  package func freeBytes() throws(StorageError) -> Int {
    do throws(LMDBError) {
      let environment = generations.value.environment
      return try environment.freePageCount() * environment.information().pageSize
    } catch { throw StorageError(error) }
  }

  /// False when the file lacks a page that is in use.
  package func isFileComplete() throws(StorageError) -> Bool {
    do throws(LMDBError) {
      return try generations.value.environment.isFileComplete()
    } catch { throw StorageError(error) }
  }
}
