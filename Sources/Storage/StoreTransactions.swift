import LMDB

/// What has tables whose entries can be walked over: a transaction of the store, a snapshot of its index.
package protocol EntrySource: ~Copyable {
  /// What a table is named by.
  associatedtype Place

  /// A cursor that stands before the first entry of a table.
  @_lifetime(borrow self)
  func cursor(in place: Place) throws(StorageError) -> StoreCursor
}

/// Looking things up in the store: what a snapshot and the writer's transaction have in common.
///
/// Bytes that it lends stay valid for the borrow: until the next change when writing.
package protocol StoreReading: ~Copyable, EntrySource where Place == Table {
  /// The value under `key`, lent, or nil where there is none.
  @_lifetime(borrow self)
  func get(_ key: RawSpan, in table: Table) throws(StorageError) -> RawSpan?

  /// How many entries `table` holds.
  func count(of table: Table) throws(StorageError) -> Int
}

extension StoreReading where Self: ~Copyable {
  /// True when there is a value under `key`.
  package func contains(_ key: RawSpan, in table: Table) throws(StorageError) -> Bool {
    try get(key, in: table) != nil
  }
}

extension EntrySource where Self: ~Copyable {
  /// Calls `body` with each entry in the order of the keys, until it returns false.
  ///
  /// The walk begins at the key `start` or the nearest after it (before it when `reversed`), or at
  /// the end where it is nil.
  /// - Throws: what `body` throws, and in its type the store's own error.
  package func forEach<E: StoreFailure>(
    in place: Place, from start: RawSpan? = nil, reversed: Bool = false,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> Bool
  ) throws(E) {
    let failure: E?
    do throws(StorageError) {
      var cursor = try cursor(in: place)
      failure = try cursor.forEach(from: start, reversed: reversed, body)
    } catch { throw .store(error) }
    if let failure { throw failure }
  }

  /// Calls `body` with the entries beside the place of `key`, under which there is none: the one before
  /// and the one after, where there are such.
  /// - Throws: what `body` throws, and in its type the store's own error.
  package func forNeighbours<E: StoreFailure>(
    of key: RawSpan, in place: Place,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> Void
  ) throws(E) {
    let failure: E?
    do throws(StorageError) {
      var cursor = try cursor(in: place)
      failure = try cursor.forNeighbours(of: key, body)
    } catch { throw .store(error) }
    if let failure { throw failure }
  }
}

/// As LMDB's own, with the store's error.
extension Transaction where Self: ~Copyable {
  @_lifetime(borrow self)
  func value(under key: RawSpan, in database: Database) throws(StorageError) -> RawSpan? {
    do throws(LMDBError) { return try get(key, in: database) } catch { throw StorageError(error) }
  }

  /// A cursor over what the transaction began with and `changes`.
  @_lifetime(borrow self)
  func storeCursor(
    in database: Database, changes: TableChanges = TableChanges(), rereads: Bool = true
  ) throws(StorageError) -> StoreCursor {
    do throws(LMDBError) {
      let changes = unsafe _overrideLifetime(changes, borrowing: self)
      return StoreCursor(try cursor(in: database, rereads: rereads), changes: changes)
    } catch {
      throw StorageError(error)
    }
  }
}

/// What a transaction of the engine holds together with changes that it does not have.
extension Transaction where Self: ~Copyable {
  /// The value lives no longer than the changes do either: for who has both.
  @_lifetime(borrow self)
  fileprivate func value(
    under key: RawSpan, in database: Database, changedBy changes: borrowing TableChanges
  ) throws(StorageError) -> RawSpan? {
    if !changes.isEmpty {
      let (place, isKnown) = changes.place(of: key)
      if isKnown {
        if changes.kind(at: place) == .removal { return nil }
        return unsafe _overrideLifetime(changes.value(at: place), borrowing: self)
      }
    }
    let value = try value(under: key, in: database)
    return unsafe _overrideLifetime(value, borrowing: self)
  }

  fileprivate func count(
    of database: Database, changedBy changes: borrowing TableChanges
  ) throws(StorageError) -> Int {
    var count = try engine(count(of: database))
    for place in 0..<changes.count {
      let isThere = try value(under: changes.key(at: place), in: database) != nil
      let stays = changes.kind(at: place) != .removal
      if isThere != stays { count += stays ? 1 : -1 }
    }
    return count
  }
}

/// A snapshot of the store.
package struct StoreReadTransaction: ~Copyable, StoreReading {
  let base: ReadTransaction
  let tables: Tables
  /// What the file does not have, and counts all the same.
  let shared: SharedChanges

  @_lifetime(borrow self)
  package func get(_ key: RawSpan, in table: Table) throws(StorageError) -> RawSpan? {
    let changes = unsafe shared.changes(of: table)
    let value = try base.value(under: key, in: tables[table], changedBy: changes)
    return unsafe _overrideLifetime(value, borrowing: self)
  }

  @_lifetime(borrow self)
  package func cursor(in table: Table) throws(StorageError) -> StoreCursor {
    let changes = unsafe shared.changes(of: table)
    let cursor = try base.storeCursor(in: tables[table], changes: changes)
    return unsafe _overrideLifetime(cursor, borrowing: self)
  }

  package func count(of table: Table) throws(StorageError) -> Int {
    let changes = unsafe shared.changes(of: table)
    return try base.count(of: tables[table], changedBy: changes)
  }
}

/// The transaction that changes the store: what it changes is in memory until it is committed. It is
/// lent; who lends it commits or drops it.
package struct StoreWriteTransaction: ~Copyable, StoreReading {
  private var base: WriteTransaction
  private var set: WriteSet
  private let tables: Tables
  let proofs: ContentProofs
  /// How often something was put, or was to be removed: who sees the same number twice has changed
  /// nothing between.
  package private(set) var changes = 0

  /// - Parameter set: an empty one.
  init(
    _ base: consuming WriteTransaction, _ set: consuming WriteSet = WriteSet(), tables: Tables,
    proofs: ContentProofs
  ) {
    self.base = base
    self.set = set
    self.tables = tables
    self.proofs = proofs
  }

  @_lifetime(borrow self)
  package func get(_ key: RawSpan, in table: Table) throws(StorageError) -> RawSpan? {
    let changes = set[table]
    let value = try base.value(under: key, in: tables[table], changedBy: changes)
    return unsafe _overrideLifetime(value, borrowing: self)
  }

  @_lifetime(borrow self)
  package func cursor(in table: Table) throws(StorageError) -> StoreCursor {
    // Who copies the whole store changes nothing, and reads what the disk gives him now.
    let cursor = try base.storeCursor(
      in: tables[table], changes: set[table], rereads: changes == 0)
    return unsafe _overrideLifetime(cursor, borrowing: self)
  }

  package func count(of table: Table) throws(StorageError) -> Int {
    try base.count(of: tables[table], changedBy: set[table])
  }

  /// Stores `value` under `key`.
  package mutating func put(key: RawSpan, value: RawSpan, in table: Table) throws(StorageError) {
    changes += 1
    do throws(LMDBError) {
      try set.put(key: key, value: value, in: table, appends: false)
    } catch { throw StorageError(error) }
  }

  /// Stores `value` under `key`, which is greater than every key of `table`: much faster than a
  /// search, and fills pages whole.
  /// - Throws: ``StorageError/engine(_:)`` where the transaction has put a key that is not smaller; where
  ///   the table has one, the commit throws it.
  package mutating func append(
    key: RawSpan, value: RawSpan, in table: Table
  ) throws(StorageError) {
    changes += 1
    do throws(LMDBError) {
      try set.put(key: key, value: value, in: table, appends: true)
    } catch { throw StorageError(error) }
  }

  /// Removes what is under `key`; false where there was nothing.
  @discardableResult
  package mutating func delete(_ key: RawSpan, in table: Table) throws(StorageError) -> Bool {
    changes += 1
    guard try contains(key, in: table) else { return false }
    do throws(LMDBError) { try set.remove(key, in: table) } catch { throw StorageError(error) }
    return true
  }

  /// Makes the changes durable in LMDB.
  consuming func commit() throws(LMDBError) {
    try set.apply(to: &base, tables)
    try base.commit()
  }

  /// Whether it has changed nothing.
  var isEmpty: Bool { self.set.isEmpty }

  /// Ends it without its changes being anywhere but in the set.
  consuming func takeApart() -> Parts { Parts(base: base, set: set) }

  struct Parts: ~Copyable {
    var base: WriteTransaction
    var set: WriteSet
  }
}

extension WriteSet {
  /// Hands the changes to the engine: first what goes, since what is appended is greater than what stays.
  borrowing func apply(
    to base: inout WriteTransaction, _ tables: Tables
  ) throws(LMDBError) {
    for table in Table.allCases {
      let changes = self[table]
      for place in 0..<changes.count where changes.kind(at: place) == .removal {
        _ = try base.delete(changes.key(at: place), in: tables[table])
      }
      for place in 0..<changes.count where changes.kind(at: place) != .removal {
        try base.put(
          key: changes.key(at: place), value: changes.value(at: place), in: tables[table],
          appends: changes.kind(at: place) == .append)
      }
    }
  }
}
