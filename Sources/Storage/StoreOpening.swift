import Bytes
import Glibc
import LMDB
import SystemCalls

extension Store {
  private static let identifierKey = Array("store".utf8)

  /// Makes a new store in `directory`, which is made (mode 0700) where it is not there, and whose first
  /// contents `populate` writes.
  ///
  /// The file is made whole under another name, and gets its own when everything is durable: a
  /// store of which a part is missing never exists. `mapSize` is the greatest size of `cards.mdb` in
  /// bytes, a multiple of the page size.
  /// - Throws: what `populate` throws, ``StorageError/alreadyInitialized(directory:)``,
  ///   ``StorageError/locked(byProcess:)``.
  package static func create(
    at directory: String, mapSize: Int, storeIdentifier: StoreIdentifier,
    populate: (inout StoreWriteTransaction) throws -> Void = { _ in }
  ) throws {
    try make(in: directory) { draft in
      try write(draft, mapSize: mapSize, identifier: storeIdentifier, populate: populate)
    }
  }

  /// Makes a store in `directory` of the file that `write` makes, durable, under the name of a
  /// draft. After an error nothing is left but a directory that was there.
  static func make(in directory: String, write: (_ draft: String) throws -> Void) throws {
    let isNew = unsafe mkdir(directory, 0o700) == 0
    guard isNew || errno == EEXIST else {
      throw StorageError.system(call: "mkdir", path: directory, errno: errno)
    }
    do {
      try make(in: directory, under: StoreLock(directory: directory), write: write)
    } catch {
      // Where something is in it, it stays.
      if isNew { unsafe rmdir(directory) }
      throw error
    }
  }

  private static func make(
    in directory: String, under lock: StoreLock, write: (_ draft: String) throws -> Void
  ) throws {
    let path = "\(directory)/cards.mdb"
    let draft = "\(path).new"
    guard try !Files.exists(path) else {
      throw StorageError.alreadyInitialized(directory: directory)
    }
    try Files.remove([draft, "\(draft)-lock", "\(path)-lock"])
    do {
      try write(draft)
      try Files.rename(draft, to: path)
      try Files.remove(["\(draft)-lock"])
      // Whatever file it was left about, it was not this one.
      DamageMark.remove(in: directory)
      try Files.synchronize(directory: directory)
    } catch {
      try? Files.remove([draft, "\(draft)-lock"])
      // Left alone in a directory, it would tell of a store that is lost.
      lock.removeIfNew()
      throw error
    }
    withExtendedLifetime(lock) {}
  }

  /// Writes the whole of a new store to the file `draft`, in one transaction.
  private static func write(
    _ draft: String, mapSize: Int, identifier: StoreIdentifier,
    populate: (inout StoreWriteTransaction) throws -> Void
  ) throws {
    do {
      var options = Environment.Options(mapSize: mapSize)
      options.creates = true
      let generation = try Generation(path: draft, options: options, creating: true)
      var transaction = try generation.beginWrite()
      try put(identifier, in: &transaction)
      let (key, format) = (StoreFormat.key, StoreFormat.whole.bytes)
      try transaction.put(key: key.rawSpan, value: format.rawSpan, in: .meta)
      try populate(&transaction)
      try transaction.commit()
    } catch let error as LMDBError {
      // One of the disk, which LMDB says of a full one too, is of the draft alone.
      throw (error.endsWriting ? .writingEnded : StorageError(error, opening: draft))
        .making(draft, mapSize: mapSize)
    } catch let error as StorageError {
      throw error.making(draft, mapSize: mapSize)
    }
  }

  /// Says in `transaction` that the store is `identifier`.
  static func put(
    _ identifier: StoreIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    try transaction.put(key: identifierKey.rawSpan, value: identifier.bytes.rawSpan, in: .meta)
  }

  /// Opens the store in `directory` and takes its lock. Where a ``DamageMark`` was left, all of `cards.mdb` is read
  /// before it is opened, however large it is.
  ///
  /// `mapSize` is the greatest size of `cards.mdb` in bytes; it may be greater than before.
  /// - Throws: ``StorageError/locked(byProcess:)``, ``StorageError/notInitialized(directory:)``,
  ///   ``StorageError/truncated(file:)``, ``StorageError/damaged(file:page:)``,
  ///   ``StorageError/journalMissing(file:)``, ``StorageError/unknownFormat(file:format:)``, ``StorageError/mapTooSmall(file:neededBytes:)``.
  package static func open(
    at directory: String, mapSize: Int, options: Options = Options()
  ) throws(StorageError) -> Store {
    let path = "\(directory)/cards.mdb"
    guard unsafe access(path, F_OK) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else {
        throw .system(call: "access", path: path, errno: errno)
      }
      throw .notInitialized(directory: directory, remains: remains(in: directory))
    }
    // Evidence: nothing can be written there, so nothing is, not even a lock.
    let isOnReadOnlyDisk = options.isReadOnly && Directory.isOnReadOnlyDisk(directory)
    let lock = try StoreLock(directory: directory, isReadOnly: isOnReadOnlyDisk)
    if !isOnReadOnlyDisk {
      try Files.remove(
        Compaction.leftovers(in: directory) + JournalFile.leftovers(in: directory))
    }
    var environmentOptions = Environment.Options(mapSize: mapSize)
    environmentOptions.isReadOnly = options.isReadOnly
    if let bytes = options.checksWholeUpTo { environmentOptions.checksWholeUpTo = bytes }
    let isMarked = DamageMark.isLeft(in: directory)
    if options.checksWhole || isMarked { environmentOptions.checksWholeUpTo = .max }
    let file: Generation
    do throws(LMDBError) {
      file = try Generation(path: path, options: environmentOptions)
      try file.environment.checkReaders()
    } catch { throw StorageError(error, opening: path) }
    if isMarked, !options.isReadOnly { DamageMark.remove(in: directory) }
    let (identifier, _) = try identity(of: file)
    let generation = try recovered(file, in: directory, isReadOnly: options.isReadOnly)
    let history = IndexHistory()
    let index = try index(
      in: directory, of: identifier, mapSize: options.indexMapSize ?? mapSize, history,
      checksWholeUpTo: options.checksWholeUpTo, isOnReadOnlyDisk: isOnReadOnlyDisk)
    return Store(
      directory: directory, identifier: identifier, generation: generation, index: index,
      history: history, isReadOnly: options.isReadOnly, lock: lock)
  }

  private static func index(
    in directory: String, of identifier: StoreIdentifier, mapSize: Int, _ history: IndexHistory,
    checksWholeUpTo: Int?, isOnReadOnlyDisk: Bool
  ) throws(StorageError) -> Derived {
    if isOnReadOnlyDisk {
      return try StoreIndex.openReadOnly(
        directory: directory, identifier: identifier, mapSize: mapSize, history: history,
        checksWholeUpTo: checksWholeUpTo)
    }
    do throws(StorageError) {
      return .open(
        try StoreIndex.open(
          directory: directory, identifier: identifier, mapSize: mapSize, history: history,
          checksWholeUpTo: checksWholeUpTo))
    } catch {
      // The truth has room of its own: what does not need the index goes on.
      guard error.isOfRoom else { throw error }
      return .withoutRoom(mapSize: mapSize)
    }
  }

  /// Names of files in `directory` that only a store leaves there.
  private static func remains(in directory: String) -> [String] {
    ["lock", "cards.mdb-lock", "cards.journal", "index.mdb"].filter {
      (try? Files.exists("\(directory)/\($0)")) == true
    }
  }

  /// Reads which store this is, and in which format, and refuses one that is not known.
  static func identity(
    of generation: Generation
  ) throws(StorageError) -> (StoreIdentifier, StoreFormat) {
    let path = generation.environment.path
    let transaction = generation.beginReadOrFail()
    guard let format = try StoreFormat.read(in: transaction),
      let bytes = try transaction.get(identifierKey.rawSpan, in: .meta),
      let identifier = StoreIdentifier(bytes.array)
    else { throw .damaged(file: path) }
    guard format == .whole || format == .withJournal else {
      throw .unknownFormat(file: path, format: format.number)
    }
    return (identifier, format)
  }
}
