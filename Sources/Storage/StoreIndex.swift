internal import Bytes
import Glibc
package import LMDB
import Synchronization

/// `index.mdb`: derived from the store and never trusted. What is wrong with it is cured by
/// setting it aside and beginning an empty one, which its owner fills from the records.
package final class StoreIndex: Sendable {
  /// Why the index that was there could not be used.
  package enum Loss: Equatable, Sendable {
    case missing, truncated, damaged
    /// It belongs to another store.
    case foreign
  }

  package let environment: Environment
  /// Its `meta` table: marks of how far the index goes. The key `store` is taken.
  package let meta: Database
  /// Why the index is empty now, or nil when the one that was there is in use.
  package let loss: Loss?
  private let databases = Mutex<[String: Database]>([:])

  private static let storeKey = Array("store".utf8)

  private init(environment: Environment, meta: Database, loss: Loss?) {
    self.environment = environment
    self.meta = meta
    self.loss = loss
  }

  /// The table `name` (`fingerprints`, for one), made where it is not there yet. Not from within a
  /// transaction on the index.
  package func table(_ name: String) throws(StorageError) -> Database {
    do {
      return try databases.withLock { databases in
        if let known = databases[name] { return known }
        let opened = try environment.openDatabase(name, creating: true)
        databases[name] = opened
        return opened
      }
    } catch let error as LMDBError {
      throw StorageError(error)
    } catch {
      throw .damaged(file: environment.path)
    }
  }

  /// Opens the index of the store `identifier` in `directory`, or begins a new one. A file that
  /// cannot be used is renamed to `index.mdb.set-aside`.
  static func open(
    directory: String, identifier: StoreIdentifier, mapSize: Int
  ) throws(StorageError) -> StoreIndex {
    let path = "\(directory)/index.mdb"
    let loss: Loss
    do throws(StorageError) {
      return try existing(path: path, identifier: identifier, mapSize: mapSize)
    } catch {
      loss = try judge(error)
    }
    if loss != .missing { try setAside(path) }
    return try fresh(path: path, identifier: identifier, mapSize: mapSize, loss: loss)
  }

  private static func options(mapSize: Int) -> Environment.Options {
    var options = Environment.Options(mapSize: mapSize)
    options.maxDatabases = 8
    options.writesAhead = true
    return options
  }

  private static func existing(
    path: String, identifier: StoreIdentifier, mapSize: Int
  ) throws(StorageError) -> StoreIndex {
    do throws(LMDBError) {
      let environment = try Environment(path: path, options: options(mapSize: mapSize))
      let meta = try environment.openDatabase("meta")
      let isOwn = try environment.read { (transaction) throws(LMDBError) in
        guard let owner = try transaction.get(storeKey.rawSpan, in: meta) else {
          return false
        }
        return owner.isEqual(to: identifier.bytes)
      }
      guard isOwn else { throw LMDBError(.keyExists, in: .open) }
      return StoreIndex(environment: environment, meta: meta, loss: nil)
    } catch {
      throw StorageError(error, opening: path)
    }
  }

  /// What an error of opening says about the file; an error that says nothing about it is thrown.
  private static func judge(_ error: StorageError) throws(StorageError) -> Loss {
    switch error {
    case .truncated: return .truncated
    case .damaged: return .damaged
    case .lmdb(let reason) where reason.kind == .system(errno: ENOENT): return .missing
    case .lmdb(let reason) where reason.kind == .keyExists: return .foreign
    default: throw error
    }
  }

  private static func setAside(_ path: String) throws(StorageError) {
    guard unsafe rename(path, "\(path).set-aside") == 0 else {
      throw .system(call: "rename", errno: errno)
    }
    guard unsafe unlink("\(path)-lock") == 0 || errno == ENOENT else {
      throw .system(call: "unlink", errno: errno)
    }
  }

  private static func fresh(
    path: String, identifier: StoreIdentifier, mapSize: Int, loss: Loss
  ) throws(StorageError) -> StoreIndex {
    var options = options(mapSize: mapSize)
    options.creates = true
    do throws(LMDBError) {
      let environment = try Environment(path: path, options: options)
      let meta = try environment.openDatabase("meta", creating: true)
      var transaction = try environment.beginWrite()
      try transaction.put(
        key: storeKey.rawSpan, value: identifier.bytes.rawSpan, in: meta)
      try transaction.commit()
      return StoreIndex(environment: environment, meta: meta, loss: loss)
    } catch {
      throw StorageError(error, opening: path)
    }
  }
}
