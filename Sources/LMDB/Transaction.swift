import CLMDB

/// What reading and writing transactions have in common: looking things up.
///
/// A transaction belongs to the thread and the scope that it was lent to. Bytes that it lends stay
/// valid until the end of the borrow: of the whole scope when reading, until the next change when
/// writing. Changing is `mutating`, so the compiler refuses bytes that outlive it.
package protocol Transaction: ~Copyable {
  /// The transaction as the functions of this target need it.
  var handle: TransactionHandle { get }
  /// What it is a transaction of.
  var environment: Environment { get }
  /// Whether what it sees is what was committed, so that its trees are those in the file.
  var isUnchanged: Bool { get }
}

/// How large a tree is.
package struct TreeFigures: Equatable, Sendable {
  /// Pages from the root to a leaf; 0 where it holds nothing.
  package let depth: Int
  package let pages: Int
}

/// A transaction's pointer, or the reason why it could not begin.
@safe package struct TransactionHandle {
  private let state: Result<OpaquePointer, LMDBError>

  init(_ pointer: OpaquePointer) { unsafe state = .success(pointer) }

  init(_ error: LMDBError) { unsafe state = .failure(error) }

  func pointer() throws(LMDBError) -> OpaquePointer { try unsafe state.get() }
}

extension Transaction where Self: ~Copyable {
  /// The value under `key`, lent, or nil where there is none.
  @_lifetime(borrow self)
  package func get(_ key: RawSpan, in database: Database) throws(LMDBError) -> RawSpan? {
    let pointer = unsafe try handle.pointer()
    unsafe try environment.trees.check(wayTo: key, in: database, of: pointer)
    var value = unsafe MDB_val()
    let status = unsafe key.withMutableValue { key in
      unsafe mdb_get(pointer, database.identifier, &key, &value)
    }
    if status == MDB_NOTFOUND { return nil }
    try LMDBError.check(status, in: .get)
    return unsafe _overrideLifetime(value.span, borrowing: self)
  }

  /// How many entries `database` holds.
  package func count(of database: Database) throws(LMDBError) -> Int {
    try statistics(of: database).ms_entries
  }

  /// How large the tree of `database` is.
  package func figures(of database: Database) throws(LMDBError) -> TreeFigures {
    let found = try statistics(of: database)
    return TreeFigures(
      depth: Int(found.ms_depth),
      pages: found.ms_branch_pages + found.ms_leaf_pages + found.ms_overflow_pages)
  }

  private func statistics(of database: Database) throws(LMDBError) -> MDB_stat {
    let pointer = unsafe try handle.pointer()
    var figures = MDB_stat()
    let status = unsafe mdb_stat(pointer, database.identifier, &figures)
    try LMDBError.check(status, in: .statistics)
    return figures
  }
}

extension RawSpan {
  /// Lends the bytes as LMDB's own description of a key or value, which LMDB does not write to.
  func withMutableValue(_ body: (inout MDB_val) -> Int32) -> Int32 {
    unsafe withUnsafeBytes { bytes in
      var value = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return unsafe body(&value)
    }
  }
}

extension MDB_val {
  /// The bytes that LMDB returned, with the lifetime that the caller gives them.
  var span: RawSpan {
    @_lifetime(immortal)
    get {
      let bytes = unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size)
      return unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), copying: ())
    }
  }
}

/// A snapshot of an environment: sees what was committed when it began, and nothing later.
package struct ReadTransaction: ~Copyable, Transaction {
  package let handle: TransactionHandle
  /// Keeps the environment open for as long as the transaction lives.
  package let environment: Environment
  package var isUnchanged: Bool { true }

  init(_ handle: TransactionHandle, of environment: Environment) {
    self.handle = handle
    self.environment = environment
  }

  deinit {
    if let pointer = unsafe try? handle.pointer() { unsafe mdb_txn_abort(pointer) }
  }
}

/// The one transaction of an environment that changes it. Aborted unless ``commit()`` is called.
package struct WriteTransaction: ~Copyable, Transaction {
  package let handle: TransactionHandle
  private var isOpen = true
  package let environment: Environment
  private var removals = Removals()
  package private(set) var isUnchanged = true

  init(_ handle: TransactionHandle, of environment: Environment) {
    self.handle = handle
    self.environment = environment
  }

  deinit {
    if isOpen, let pointer = unsafe try? handle.pointer() { unsafe mdb_txn_abort(pointer) }
  }

  /// Whether it can still be used: not after an error that only its end helps against.
  package var isUsable: Bool { (try? count(of: Database(identifier: 1))) != nil }

  /// Makes the changes durable: returns after the file has been synced.
  ///
  /// - Throws: after any error nothing of the transaction is in the environment, unless the error
  ///   ``LMDBError/endsWriting``: then nothing is known, and the commit must never be repeated.
  package consuming func commit() throws(LMDBError) {
    isOpen = false
    let status = unsafe mdb_txn_commit(try handle.pointer())
    try LMDBError.check(status, in: .commit)
  }

  /// Stores `value` under `key`; where it `appends`, the key has to be greater than all others, which
  /// is much faster than a search, and fills pages whole.
  /// - Throws: ``LMDBError/Kind/keyExists`` for a key that is appended and is not the greatest,
  ///   ``LMDBError/Kind/mapFull``.
  package mutating func put(
    key: RawSpan, value: RawSpan, in database: Database, appends: Bool = false
  ) throws(LMDBError) {
    let flags = appends ? UInt32(MDB_APPEND) : 0
    let pointer = unsafe try handle.pointer()
    // The last leaf was read at opening, or is this process's own.
    if !appends { unsafe try environment.trees.check(wayTo: key, in: database, of: pointer) }
    isUnchanged = false
    let status = unsafe key.withMutableValue { key in
      unsafe value.withMutableValue { value in
        unsafe mdb_put(pointer, database.identifier, &key, &value, flags)
      }
    }
    try LMDBError.check(status, in: .put)
  }

  /// Removes what is under `key`; false where there was nothing.
  package mutating func delete(_ key: RawSpan, in database: Database) throws(LMDBError) -> Bool {
    let pointer = unsafe try handle.pointer()
    unsafe try removals.check(key, in: database, of: pointer, environment.trees)
    isUnchanged = false
    let status = unsafe key.withMutableValue { key in
      unsafe mdb_del(pointer, database.identifier, &key, nil)
    }
    if status == MDB_NOTFOUND { return false }
    try LMDBError.check(status, in: .delete)
    return true
  }

  /// Removes every entry of `database`, which stays.
  package mutating func removeAll(in database: Database) throws(LMDBError) {
    let pointer = unsafe try handle.pointer()
    unsafe try environment.trees.checkAll(of: database, in: pointer)
    isUnchanged = false
    let status = unsafe mdb_drop(pointer, database.identifier, 0)
    try LMDBError.check(status, in: .clear)
  }
}
