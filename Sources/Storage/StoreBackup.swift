import Glibc
import LMDB
import SystemCalls

extension Store {
  /// What the name of a copy that is not whole yet ends in.
  private static let draftEnding = ".new"
  /// Bytes by which the name of such a copy is longer than its own.
  package static let draftAddedBytes = Drafts.addedBytes(ending: draftEnding)

  /// Copies the store, as it is now, to the new file `path` (mode 0600), and returns when the copy is
  /// durable and has been compared with the store, entry by entry. It runs on this thread while the
  /// store goes on being read and written.
  ///
  /// The snapshot lives for as long as this takes: what is freed meanwhile is not used again, so
  /// that `cards.mdb` grows by as much as is written. The copy is a whole store file without
  /// its index, and holds nothing that was deleted before.
  /// - Parameter progress: called with entries written and in all; false stops the copy.
  /// - Throws: ``StorageError/alreadyExists(file:)``, ``StorageError/noRoom(file:_:)``,
  ///   ``StorageError/cancelled``, ``StorageError/damaged(file:page:)``,
  ///   ``StorageError/system(call:path:errno:)``. After an error there is no file.
  package func copy(
    to path: String, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(StorageError) -> CopyResult {
    guard try !Files.exists(path) else { throw .alreadyExists(file: path) }
    // Whole or absent: a copy that a crash cut off does not have the name of one.
    Drafts.removeAbandoned(for: path, ending: Self.draftEnding)
    let draft = Drafts.name(for: path, ending: Self.draftEnding)
    let generation = try committedGeneration()
    let result = try StoreCopy.write(
      generation.beginReadForCopy(), of: generation, to: draft, progress: progress)
    do throws(StorageError) {
      try Files.rename(draft, to: path)
    } catch {
      try? Files.remove([draft])
      throw error
    }
    do throws(StorageError) {
      try Files.synchronize(directory: Directory.containing(path))
    } catch {
      try? Files.remove([path])
      throw error
    }
    return result
  }

  /// Opens the copy `path`, which nobody writes while it is open, for reading, after a look at every
  /// page of it. It has no index and takes no lock.
  /// - Throws: ``StorageError/truncated(file:)``, ``StorageError/damaged(file:page:)``,
  ///   ``StorageError/unknownFormat(file:format:)``, `ENOENT` as
  ///   ``StorageError/system(call:path:errno:)``.
  package static func open(copy path: String) throws(StorageError) -> Store {
    try opened(openCopy(path))
  }

  /// Reads which store this is a copy of, and refuses the file of a store that runs or was killed: it is not
  /// all of it.
  private static func identity(ofCopy copy: Generation) throws(StorageError) -> StoreIdentifier {
    let (identifier, format) = try identity(of: copy)
    guard format == .whole else { throw .needsJournal(file: copy.environment.path) }
    return identifier
  }

  private static func opened(_ copy: Generation) throws(StorageError) -> Store {
    Store(
      directory: Directory.containing(copy.environment.path),
      identifier: try identity(ofCopy: copy),
      generation: copy, index: .none, isReadOnly: true, lock: nil)
  }

  /// Makes a new store in `directory`, which is made (mode 0700) where it is not there, of the copy
  /// `file`.
  ///
  /// The new store has the contents of the copy but those of the tables `leavingOut`, and the
  /// identifier `storeIdentifier`; then `populate` makes what has to be changed with it, and `verify`
  /// is lent the whole as it will be, for reading. Only then it gets its name: as with
  /// ``create(at:mapSize:storeIdentifier:populate:)``, a store of which a part is missing, or that
  /// did not verify, never exists. After an error nothing is left but a directory that was there. An
  /// `index.mdb` of another store is set aside when the store is opened.
  /// - Throws: what `populate` and `verify` throw;
  ///   ``StorageError/alreadyInitialized(directory:)``,
  ///   ``StorageError/locked(byProcess:)``, ``StorageError/noRoom(file:_:)`` where the copy does not fit
  ///   into `mapSize` or on the disk; with the copy as its file
  ///   ``StorageError/truncated(file:)``, ``StorageError/damaged(file:page:)``,
  ///   ``StorageError/unknownFormat(file:format:)``.
  package static func restore(
    from file: String, to directory: String, mapSize: Int, storeIdentifier: StoreIdentifier,
    leavingOut: Set<Table> = [],
    progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true },
    populate: (inout StoreWriteTransaction) throws -> Void,
    verify: (Store) throws -> Void = { _ in }
  ) throws {
    // Before a directory is made for nothing.
    let copy = try openCopy(file)
    _ = try identity(ofCopy: copy)
    try StoreCopy.requireKnownTables(of: copy)
    let tables = Table.allCases.filter { !leavingOut.contains($0) }
    try make(in: directory) { path in
      do {
        let draft = try StoreCopy.openDraft(path, mapSize: mapSize)
        try fill(draft, from: copy, tables, progress: progress)
        var transaction = try draft.beginWrite()
        try put(storeIdentifier, in: &transaction)
        try populate(&transaction)
        do throws(LMDBError) { try transaction.commit() } catch { throw StorageError(error) }
        try StoreCopy.synchronize(draft)
      } catch let error as StorageError {
        throw error.copying(copy.environment.path, to: path, mapSize: mapSize)
      }
      // Closed before it is opened again: a process opens an environment once at a time.
      let draft = try StoreCopy.openReadOnly(path, mapSize: mapSize, isShared: false)
      try verify(opened(draft))
    }
  }

  private static func fill(
    _ draft: Generation, from copy: Generation, _ tables: [Table], progress: StoreCopy.Progress
  ) throws(StorageError) {
    let source = copy.beginReadOrFail()
    try StoreCopy.fill(draft, from: source, tables, progress: progress)
    guard try StoreCopy.compare(source, draft.beginReadOrFail(), tables) != nil else {
      throw .damaged(file: draft.environment.path)
    }
  }

  /// Opens the copy `path` for reading, after a look at every page of it: a disk may have damaged
  /// it since, and LMDB would trust it. A lock file is kept where there is one already: then the
  /// file may be a store's own.
  private static func openCopy(_ path: String) throws(StorageError) -> Generation {
    let size: Int
    do throws(LMDBError) {
      guard let usedBytes = try Environment.usedBytes(ofFile: path) else {
        throw LMDBError(.system(errno: ENOENT), in: .open)
      }
      try Environment.checkFile(path)
      size = usedBytes
    } catch {
      if case .system(let errno) = error.kind {
        throw .system(call: "open", path: path, errno: errno)
      }
      throw StorageError(error, opening: path)
    }
    let isShared = try Files.exists("\(path)-lock")
    return try StoreCopy.openReadOnly(path, mapSize: size, isShared: isShared)
  }
}
