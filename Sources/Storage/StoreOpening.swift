import Glibc
import LMDB

extension Store {
  private static let identifierKey = Array("store".utf8)
  private static let formatKey = Array("format".utf8)
  /// The format of `cards.mdb` that this version writes and reads.
  private static let format: UInt8 = 1

  /// Makes a new store in `directory`, which is made (mode 0700) where it is not there.
  ///
  /// `mapSize` is the greatest size of `cards.mdb` in bytes, a multiple of the page size.
  /// - Throws: ``StorageError/alreadyInitialized(directory:)``, ``StorageError/locked(byProcess:)``.
  package static func create(
    at directory: String, mapSize: Int, storeIdentifier: StoreIdentifier
  ) throws(StorageError) {
    do {
      try create(at: directory, mapSize: mapSize, storeIdentifier: storeIdentifier) { _ in }
    } catch let error as StorageError {
      throw error
    } catch {
      throw .damaged(file: "\(directory)/cards.mdb")
    }
  }

  /// Makes a new store in `directory` whose first contents `populate` writes.
  ///
  /// The file is made whole under another name, and gets its own when everything is durable: a
  /// store of which a part is missing never exists.
  /// - Throws: what `populate` throws, beside the errors of the other form.
  package static func create(
    at directory: String, mapSize: Int, storeIdentifier: StoreIdentifier,
    populate: (inout StoreWriteTransaction) throws -> Void
  ) throws {
    guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw StorageError.system(call: "mkdir", errno: errno)
    }
    let lock = try StoreLock(directory: directory)
    let path = "\(directory)/cards.mdb"
    let draft = "\(path).new"
    guard unsafe access(path, F_OK) != 0 else {
      throw StorageError.alreadyInitialized(directory: directory)
    }
    try remove([draft, "\(draft)-lock", "\(path)-lock"])
    do {
      try write(draft, mapSize: mapSize, identifier: storeIdentifier, populate: populate)
      guard unsafe rename(draft, path) == 0 else {
        throw StorageError.system(call: "rename", errno: errno)
      }
      try remove(["\(draft)-lock"])
      try synchronize(directory: directory)
    } catch {
      try? remove([draft, "\(draft)-lock"])
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
      let environment = try Environment(path: draft, options: options)
      let tables = try Tables(of: environment, creating: true)
      var transaction = StoreWriteTransaction(try environment.beginWrite(), tables: tables)
      try transaction.put(
        key: unsafe identifierKey.span.bytes, value: unsafe identifier.bytes.span.bytes, in: .meta)
      let formatBytes = [format]
      try transaction.put(
        key: unsafe formatKey.span.bytes, value: unsafe formatBytes.span.bytes, in: .meta)
      try populate(&transaction)
      try transaction.commit()
    } catch let error as LMDBError {
      throw StorageError(error, opening: draft)
    }
  }

  /// Opens the store in `directory` and takes its lock.
  ///
  /// `mapSize` is the greatest size of `cards.mdb` in bytes; it may be greater than before.
  /// - Throws: ``StorageError/locked(byProcess:)``, ``StorageError/notInitialized(directory:)``,
  ///   ``StorageError/truncated(file:)``, ``StorageError/damaged(file:)``,
  ///   ``StorageError/unknownFormat(file:format:)``, ``StorageError/mapTooSmall(file:neededBytes:)``.
  package static func open(
    at directory: String, mapSize: Int, options: Options = Options()
  ) throws(StorageError) -> Store {
    let path = "\(directory)/cards.mdb"
    guard unsafe access(path, F_OK) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else {
        throw .system(call: "access", errno: errno)
      }
      throw .notInitialized(directory: directory)
    }
    let lock = try StoreLock(directory: directory)
    var environmentOptions = Environment.Options(mapSize: mapSize)
    environmentOptions.isReadOnly = options.isReadOnly
    let environment: Environment
    let tables: Tables
    do throws(LMDBError) {
      environment = try Environment(path: path, options: environmentOptions)
      try environment.checkReaders()
      tables = try Tables(of: environment, creating: false)
    } catch {
      throw StorageError(error, opening: path)
    }
    let identifier = try identity(of: environment, tables: tables)
    let index = try StoreIndex.open(
      directory: directory, identifier: identifier, mapSize: options.indexMapSize ?? mapSize)
    return Store(
      directory: directory, identifier: identifier, environment: environment, tables: tables,
      index: index, isReadOnly: options.isReadOnly, lock: lock)
  }

  /// Reads which store this is, and refuses a format that is not known.
  private static func identity(
    of environment: Environment, tables: Tables
  ) throws(StorageError) -> StoreIdentifier {
    let transaction = StoreReadTransaction(environment.beginReadOrFail(), tables: tables)
    guard
      let found = try transaction.get(unsafe formatKey.span.bytes, in: .meta),
      found.byteCount == 1,
      let bytes = try transaction.get(unsafe identifierKey.span.bytes, in: .meta),
      let identifier = StoreIdentifier(Array(copying: bytes))
    else { throw .damaged(file: environment.path) }
    let format = Array(copying: found)[0]
    guard format == Self.format else {
      throw .unknownFormat(file: environment.path, format: format)
    }
    return identifier
  }

  private static func remove(_ paths: [String]) throws(StorageError) {
    for path in paths where unsafe unlink(path) != 0 && errno != ENOENT {
      throw .system(call: "unlink", errno: errno)
    }
  }

  private static func synchronize(directory: String) throws(StorageError) {
    let descriptor = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(call: "fsync", errno: errno) }
  }
}
