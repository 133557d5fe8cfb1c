/// When what the journal has is committed to LMDB.
package struct JournalLimits: Sendable {
  /// Size of the journal in bytes; nil for a sixteenth of the map, within bounds.
  package var bytes: Int?
  /// Rows that were not appended: each is a page more that the commit writes.
  package var scatteredRows = 128
  /// Pages that the commit may take; no more than a sixteenth of the map.
  package var pages = 1_024
  /// How old a frame may become.
  package var nanoseconds: UInt64 = 250_000_000
  /// After how long without a job LMDB is committed.
  package var idleNanoseconds: UInt64 = 20_000_000

  package init() {
    #if STORE_COMMITS_LATE
      scatteredRows = .max
      pages = .max
      nanoseconds = 1 << 60
      idleNanoseconds = 1 << 60
    #endif
  }

  /// Pages that a commit of LMDB may take at most for batches that are in the journal.
  func pages(forMap mapSize: Int, pageBytes: Int) -> Int { min(pages, mapSize / pageBytes / 16) }

  /// Whether a map of such a size has room for more than what any commit may take.
  func isWorthwhile(forMap mapSize: Int, pageBytes: Int) -> Bool {
    pages(forMap: mapSize, pageBytes: pageBytes) >= 2 * PageBound.fixedPages
  }

  /// Bytes of the journal of a store with such a map.
  func bytes(forMap mapSize: Int) -> Int {
    min(max(bytes ?? mapSize / 16, JournalFormat.leastBytes), JournalFormat.mostBytes)
  }
}
