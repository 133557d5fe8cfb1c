import Glibc
import LMDB
import SystemCalls

/// What a copy of the store holds.
package struct CopyResult: Equatable, Sendable {
  /// Entries of all tables.
  package let entryCount: Int
  /// Length of the file.
  package let fileBytes: Int
}

/// Copies a store entry by entry into a new file.
///
/// `mdb_env_copy2` copies pages as they are, the unused bytes inside them too, in which values may
/// still stand that were changed or deleted since: a keyring with a key that is destroyed now. Here
/// only what lives is read, and it is written to pages that are zero before their first use. What the
/// copy's own transactions leave in unused bytes are entries that live in it.
///
/// Commits do not wait for the disk: the file is synced once at the end. Then it is opened again and
/// compared with its source, entry by entry.
enum StoreCopy {
  /// Told how many entries of how many are written; false ends the copy.
  typealias Progress = (_ done: Int, _ total: Int) -> Bool

  /// Bytes of keys and values in one transaction, which is held in memory until it is committed.
  private static let transactionBytes = 8 << 20

  /// Writes what `source`, a transaction on `generation`, sees to the new file `path` (mode 0600).
  ///
  /// The contents are durable when this returns, and the name is not: that is for the caller, who
  /// gives the file its own. `source` lives for as long as this takes.
  /// - Throws: ``StorageError/noRoom(file:_:)``, ``StorageError/cancelled``, ``StorageError/damaged(file:page:)``
  ///   when the source is not in order or the copy does not equal it. After an error there is no
  ///   file.
  static func write<Source: StoreReading & ~Copyable>(
    _ source: borrowing Source, of generation: Generation, to path: String, progress: Progress
  ) throws(StorageError) -> CopyResult {
    var mapSize = Int.max
    do throws(StorageError) {
      try requireKnownTables(of: generation)
      mapSize = try generation.mapSize()
      do {
        let draft = try openDraft(path, mapSize: mapSize)
        Drafts.hold(try engine(draft.environment.descriptor()))
        try fill(draft, from: source, progress: progress)
        try synchronize(draft)
      }
      // Closed before it is opened again: a process opens an environment once at a time.
      let copy = try openReadOnly(path, mapSize: mapSize, isShared: false)
      Drafts.hold(try engine(copy.environment.descriptor()))
      guard let count = try compare(source, copy.beginReadOrFail()) else {
        throw .damaged(file: path)
      }
      return CopyResult(entryCount: count, fileBytes: try copy.fileBytes())
    } catch {
      let reason = error.copying(generation.environment.path, to: path, mapSize: mapSize)
      try? Files.remove([path])
      throw reason
    }
  }

  /// Opens the new file `path` to be filled.
  static func openDraft(_ path: String, mapSize: Int) throws(StorageError) -> Generation {
    var options = Environment.Options(mapSize: mapSize)
    options.isDraft = true
    return try engine(Generation(path: path, options: options, creating: true))
  }

  /// Opens the file `path` for reading. Where it is not `isShared`, nobody may write it.
  static func openReadOnly(
    _ path: String, mapSize: Int, isShared: Bool
  ) throws(StorageError) -> Generation {
    var options = Environment.Options(mapSize: mapSize)
    options.isReadOnly = true
    options.isUnshared = !isShared
    do throws(LMDBError) { return try Generation(path: path, options: options) } catch {
      throw StorageError(error, opening: path)
    }
  }

  static func synchronize(_ draft: Generation) throws(StorageError) {
    try engine(draft.environment.synchronize())
  }

  /// Refuses a file with a table that this version does not know, and would leave behind.
  static func requireKnownTables(of generation: Generation) throws(StorageError) {
    do throws(LMDBError) {
      let count = try generation.environment.beginRead().count(of: .names)
      guard count == Table.allCases.count else { throw LMDBError(.invalid, in: .openDatabase) }
    } catch { throw StorageError(error, opening: generation.environment.path) }
  }

  /// Writes every entry of `tables` that `source` sees to the empty `draft`, table by table, in the
  /// order of the keys.
  static func fill<Source: StoreReading & ~Copyable>(
    _ draft: Generation, from source: borrowing Source, _ tables: [Table] = Table.allCases,
    progress: Progress
  ) throws(StorageError) {
    var total = 0
    for table in tables { total += try source.count(of: table) }
    var done = 0
    for table in tables {
      var cursor = try source.cursor(in: table)
      var isAtEnd = false
      while !isAtEnd {
        guard progress(done, total) else { throw .cancelled }
        isAtEnd = try appendPortion(of: &cursor, to: draft, table, count: &done)
      }
    }
    guard progress(done, total) else { throw .cancelled }
  }

  /// Appends, in one transaction, what `cursor` gives; true when it is at its end.
  private static func appendPortion(
    of cursor: inout StoreCursor, to draft: Generation, _ table: Table, count: inout Int
  ) throws(StorageError) -> Bool {
    var isAtEnd = true
    var bytes = 0
    var transaction = try draft.beginWrite()
    while let entry = try cursor.next() {
      try transaction.append(key: entry.key, value: entry.value, in: table)
      count += 1
      bytes += entry.key.byteCount + entry.value.byteCount
      guard bytes < transactionBytes else {
        isAtEnd = false
        break
      }
    }
    do throws(LMDBError) { try transaction.commit() } catch { throw StorageError(error) }
    return isAtEnd
  }

  /// How many entries of `tables` both hold, or nil when they do not hold the same.
  static func compare<Source: StoreReading & ~Copyable, Copy: StoreReading & ~Copyable>(
    _ source: borrowing Source, _ copy: borrowing Copy, _ tables: [Table] = Table.allCases
  ) throws(StorageError) -> Int? {
    var count = 0
    for table in tables {
      guard try source.count(of: table) == copy.count(of: table) else { return nil }
      var cursor = try source.cursor(in: table)
      var other = try copy.cursor(in: table)
      while let entry = try cursor.next() {
        guard let found = try other.next(), entry.isEqual(to: found) else { return nil }
        count += 1
      }
      guard try other.next() == nil else { return nil }
    }
    return count
  }
}

extension StorageError {
  /// The word for an error met while `file` was copied to `draft`, see ``making(_:mapSize:)``.
  ///
  /// - Parameter mapSize: what the copy may grow to.
  func copying(_ file: String, to draft: String, mapSize: Int) -> StorageError {
    guard case .engine(let failure) = self else { return making(draft, mapSize: mapSize) }
    return switch failure.error.kind {
    case .corrupted, .keyExists, .badValueSize: .damaged(file: file)
    default: self
    }
  }
}
