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

/// A key and its value, lent by a transaction.
package struct StoreEntry: ~Escapable {
  package let key: RawSpan
  package let value: RawSpan

  @_lifetime(copy entry)
  fileprivate init?(_ entry: consuming Entry?) {
    guard let entry else { return nil }
    key = entry.key
    value = entry.value
  }

  /// True when key and value are the same bytes as those of `other`. Not constant in time.
  func isEqual(to other: borrowing StoreEntry) -> Bool {
    key.isEqual(to: other.key) && value.isEqual(to: other.value)
  }
}

/// Walks a table in the order of its keys, or against it.
package struct StoreCursor: ~Copyable, ~Escapable {
  fileprivate var base: Cursor

  /// The entry after the current one; at first the first. Nil at the end.
  @_lifetime(copy self)
  package mutating func next() throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) { return StoreEntry(try base.next()) } catch { throw StorageError(error) }
  }

  /// The entry before the current one; at first the last. Nil at the beginning.
  @_lifetime(copy self)
  package mutating func previous() throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) { return StoreEntry(try base.previous()) } catch {
      throw StorageError(error)
    }
  }

  /// The first entry whose key is `key` or greater.
  @_lifetime(copy self)
  package mutating func seek(_ key: RawSpan) throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) { return StoreEntry(try base.seek(key)) } catch {
      throw StorageError(error)
    }
  }

  /// The entry at which a walk from `start` begins: the first with that key or a greater one, or,
  /// when `reversed`, the last with that key or a smaller one. Without `start`: the first or last.
  @_lifetime(copy self)
  package mutating func start(
    from start: RawSpan? = nil, reversed: Bool = false
  ) throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) {
      return StoreEntry(try base.start(from: start, reversed: reversed))
    } catch {
      throw StorageError(error)
    }
  }
}

extension StoreCursor {
  /// Calls `body` with each entry, until it returns false; see `EntrySource.forEach`. Returns what `body`
  /// has thrown.
  fileprivate mutating func forEach<E: Error>(
    from start: RawSpan?, reversed: Bool,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> Bool
  ) throws(StorageError) -> E? {
    guard var entry = try self.start(from: start, reversed: reversed) else { return nil }
    while true {
      do throws(E) {
        guard try body(entry.key, entry.value) else { return nil }
      } catch { return error }
      guard let following = reversed ? try previous() : try next() else { return nil }
      entry = following
    }
  }

  /// Calls `body` with the entries beside the place of `key`. Returns what it has thrown.
  fileprivate mutating func forNeighbours<E: Error>(
    of key: RawSpan, _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> Void
  ) throws(StorageError) -> E? {
    if let after = try seek(key) {
      do throws(E) { try body(after.key, after.value) } catch { return error }
      guard let before = try previous() else { return nil }
      do throws(E) { try body(before.key, before.value) } catch { return error }
    } else if let last = try start(reversed: true) {
      do throws(E) { try body(last.key, last.value) } catch { return error }
    }
    return nil
  }
}

/// As LMDB's own, with the store's error.
extension Transaction where Self: ~Copyable {
  @_lifetime(borrow self)
  func value(under key: RawSpan, in database: Database) throws(StorageError) -> RawSpan? {
    do throws(LMDBError) { return try get(key, in: database) } catch { throw StorageError(error) }
  }

  @_lifetime(borrow self)
  func storeCursor(in database: Database) throws(StorageError) -> StoreCursor {
    do throws(LMDBError) { return StoreCursor(base: try cursor(in: database)) } catch {
      throw StorageError(error)
    }
  }
}

/// A snapshot of the store.
package struct StoreReadTransaction: ~Copyable, StoreReading {
  let base: ReadTransaction
  let tables: Tables

  @_lifetime(borrow self)
  package func get(_ key: RawSpan, in table: Table) throws(StorageError) -> RawSpan? {
    let value = try base.value(under: key, in: tables[table])
    return unsafe _overrideLifetime(value, borrowing: self)
  }

  @_lifetime(borrow self)
  package func cursor(in table: Table) throws(StorageError) -> StoreCursor {
    let cursor = try base.storeCursor(in: tables[table])
    return unsafe _overrideLifetime(cursor, borrowing: self)
  }

  package func count(of table: Table) throws(StorageError) -> Int {
    try engine(base.count(of: tables[table]))
  }
}

/// The transaction that changes the store. It is lent; who lends it commits or aborts it.
package struct StoreWriteTransaction: ~Copyable, StoreReading {
  private var base: WriteTransaction
  private let tables: Tables
  let proofs: ContentProofs
  /// The first error of LMDB after which the transaction can only be aborted.
  private(set) var failure: LMDBError?
  /// How often something was put, or was to be removed: who sees the same number twice has changed
  /// nothing between.
  package private(set) var changes = 0

  init(_ base: consuming WriteTransaction, tables: Tables, proofs: ContentProofs) {
    self.base = base
    self.tables = tables
    self.proofs = proofs
  }

  @_lifetime(borrow self)
  package func get(_ key: RawSpan, in table: Table) throws(StorageError) -> RawSpan? {
    let value = try base.value(under: key, in: tables[table])
    return unsafe _overrideLifetime(value, borrowing: self)
  }

  @_lifetime(borrow self)
  package func cursor(in table: Table) throws(StorageError) -> StoreCursor {
    let cursor = try base.storeCursor(in: tables[table])
    return unsafe _overrideLifetime(cursor, borrowing: self)
  }

  package func count(of table: Table) throws(StorageError) -> Int {
    try engine(base.count(of: tables[table]))
  }

  /// Stores `value` under `key`.
  /// - Throws: ``StorageError/full``.
  package mutating func put(key: RawSpan, value: RawSpan, in table: Table) throws(StorageError) {
    changes += 1
    do throws(LMDBError) { try base.put(key: key, value: value, in: tables[table]) } catch {
      throw noting(error)
    }
  }

  /// Stores `value` under `key`, which is greater than every key of `table`: much faster than a
  /// search, and fills pages whole.
  /// - Throws: ``StorageError/full``; ``StorageError/engine(_:)`` where the key is not the greatest.
  package mutating func append(
    key: RawSpan, value: RawSpan, in table: Table
  ) throws(StorageError) {
    changes += 1
    do throws(LMDBError) {
      try base.put(key: key, value: value, in: tables[table], appends: true)
    } catch { throw noting(error) }
  }

  /// Removes what is under `key`; false where there was nothing.
  @discardableResult
  package mutating func delete(_ key: RawSpan, in table: Table) throws(StorageError) -> Bool {
    changes += 1
    do throws(LMDBError) { return try base.delete(key, in: tables[table]) } catch {
      throw noting(error)
    }
  }

  /// Removes every entry of `table`.
  package mutating func removeAll(in table: Table) throws(StorageError) {
    changes += 1
    do throws(LMDBError) { try base.removeAll(in: tables[table]) } catch {
      throw noting(error)
    }
  }

  /// Makes the changes durable.
  consuming func commit() throws(LMDBError) { try base.commit() }

  /// Remembers an error that ends the transaction, whatever the caller does with it.
  private mutating func noting(_ error: LMDBError) -> StorageError {
    if failure == nil, error.poisonsTransaction { failure = error }
    return StorageError(error)
  }
}
