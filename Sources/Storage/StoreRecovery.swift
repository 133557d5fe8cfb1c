import LMDB

extension Store {
  /// Commits that end a change of the format: LMDB keeps two headers, and the loss of one brings back no
  /// format of before.
  private static let commitsOfAFormat = 2

  /// The store of `file` with what its journal has beyond it: written to it, durable, or, where it
  /// `isReadOnly`, as changes that every snapshot sees.
  ///
  /// - Throws: ``StorageError/journalMissing(file:)``, ``StorageError/damaged(file:page:)``; nothing has
  ///   changed then.
  static func recovered(
    _ file: Generation, in directory: String, isReadOnly: Bool
  ) throws(StorageError) -> Generation {
    guard try StoreFormat.read(in: file.beginReadOrFail()) == .withJournal else { return file }
    guard let row = try JournalRow.read(in: file.beginReadOrFail()) else {
      throw .damaged(file: file.environment.path)
    }
    guard let journal = try JournalFile.open(in: directory, isReadOnly: isReadOnly) else {
      throw .journalMissing(file: JournalFile.path(in: directory))
    }
    if isReadOnly { return Generation(file, with: try journal.changes(after: row)) }
    var base = try engine(file.environment.beginWrite())
    let end = try journal.replay(after: row, into: &base, file.tables).point
    // Also where nothing was found: what stands behind the last frame is never followed.
    var new = JournalRow(identifier: row.identifier, point: end, half: 1 - row.half)
    do throws(LMDBError) {
      try put(new, .whole, in: &base, file.tables)
      try base.commit()
      for _ in 1..<commitsOfAFormat {
        new.half = 1 - new.half
        try commit(new, .whole, to: file)
      }
    } catch { throw StorageError(error, opening: file.environment.path) }
    return file
  }

  /// Begins a journal for a writer, and says in `cards.mdb` that it counts from now on; nil where the disk or
  /// the map has no room for that.
  func beginJournal(_ limits: JournalLimits) throws(StorageError) -> JournalStart {
    let generation = generations.value
    let figures = try engine(generation.environment.information())
    let (mapSize, pageBytes) = (figures.mapSize, figures.pageSize)
    guard limits.isWorthwhile(forMap: mapSize, pageBytes: pageBytes) else { return .none(nil) }
    let bytes = limits.bytes(forMap: mapSize)
    do throws(StorageError) {
      let before = try JournalRow.read(in: generation.beginReadOrFail())
      // After a kill, or an error of the disk, a format that was read need not be on the disk. If it is lost
      // with the power, the one before comes back, and wants the journal of before.
      do throws(LMDBError) { try Self.commit(before, .whole, to: generation) } catch {
        throw StorageError(error)
      }
      let journal = try JournalFile.begin(in: directory, bytes: bytes)
      let point = before?.point ?? JournalPoint(sequence: 0, digest: .zero)
      let begun = JournalRow(identifier: journal.identifier, point: point, half: 0)
      let row = try Journal(journal, after: begun).rowOfStep()
      guard !row.isAlone else { throw .noRoom(file: journal.path, .disk) }
      for _ in 0..<Self.commitsOfAFormat {
        do throws(LMDBError) { try Self.commit(row, .withJournal, to: generation) } catch {
          throw StorageError(error)
        }
      }
      return .journal(journal, row)
    } catch {
      guard error.isOfRoom, try StoreFormat.read(in: generation.beginReadOrFail()) == .whole else {
        throw error
      }
      return .none(error)
    }
  }

  private static func commit(
    _ row: JournalRow?, _ format: StoreFormat, to file: Generation
  ) throws(LMDBError) {
    var base = try file.environment.beginWrite()
    try put(row, format, in: &base, file.tables)
    try base.commit()
  }

  private static func put(
    _ row: JournalRow?, _ format: StoreFormat, in base: inout WriteTransaction, _ tables: Tables
  ) throws(LMDBError) {
    try row?.put(in: &base, tables[.meta])
    try format.put(in: &base, tables[.meta])
  }
}

/// With what a writer begins.
enum JournalStart: Sendable {
  case journal(JournalFile, JournalRow)
  /// Without one: for want of room, or since the map is too small for it to be of use.
  case none(StorageError?)
}
