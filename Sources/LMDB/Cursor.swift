import CLMDB
import Glibc

/// A key and its value, lent by a transaction.
package struct Entry: ~Escapable {
  package let key: RawSpan
  package let value: RawSpan

  @_lifetime(copy key)
  init(key: RawSpan, value: RawSpan) {
    self.key = key
    self.value = unsafe _overrideLifetime(value, copying: key)
  }
}

/// Walks a database in the order of its keys, or against it. Lives within a transaction.
///
/// ```swift
/// var cursor = try transaction.cursor(in: database)
/// while let entry = try cursor.next() { … }
/// ```
///
/// Where a transaction has changed nothing, the pages of its tree are read and checked before LMDB goes
/// to them, also those that were before: who walks over many reads what the disk gives him now.
@safe package struct Cursor: ~Copyable, ~Escapable {
  private let pointer: OpaquePointer
  /// Stands on the leaf of the entry that was given last; nil where nothing has to be checked.
  private var reader: TreeReader?
  private var hasBegun = false
  /// Whether the entry is the last of that leaf, or none of it comes after; the same at its beginning.
  private var isAtEnd = false
  private var isAtBeginning = false

  @_lifetime(borrow transaction)
  init<T: Transaction & ~Copyable>(
    _ database: Database, in transaction: borrowing T, rereads: Bool
  ) throws(LMDBError) {
    let handle = unsafe try transaction.handle.pointer()
    let trees = transaction.environment.trees
    let isTrusted =
      trees.isProven(database)
      && (!rereads || !transaction.isUnchanged || !trees.isNamed(database))
    let reader = isTrusted ? nil : unsafe try trees.reader(of: database, in: handle)
    var pointer: OpaquePointer?
    let status = unsafe mdb_cursor_open(handle, database.identifier, &pointer)
    try LMDBError.check(status, in: .cursor)
    guard let pointer = unsafe pointer else { throw LMDBError(.invalid, in: .cursor) }
    unsafe self.pointer = pointer
    self.reader = reader
  }

  deinit { unsafe mdb_cursor_close(pointer) }

  /// The entry after the current one; at first the first. Nil at the end.
  @_lifetime(copy self)
  package mutating func next() throws(LMDBError) -> Entry? {
    guard hasBegun else { return try first() }
    while isAtEnd, try reader?.next() ?? false { try noteCurrent() }
    return try move(MDB_NEXT, to: nil)
  }

  /// The entry before the current one; at first the last. Nil at the beginning.
  @_lifetime(copy self)
  package mutating func previous() throws(LMDBError) -> Entry? {
    guard hasBegun else { return try last() }
    while isAtBeginning, try reader?.previous() ?? false { try noteCurrent() }
    return try move(MDB_PREV, to: nil)
  }

  /// The entry with the smallest key.
  @_lifetime(copy self)
  package mutating func first() throws(LMDBError) -> Entry? {
    try reader?.first()
    return try move(MDB_FIRST, to: nil)
  }

  /// The entry with the greatest key.
  @_lifetime(copy self)
  package mutating func last() throws(LMDBError) -> Entry? {
    try reader?.last()
    return try move(MDB_LAST, to: nil)
  }

  /// The first entry whose key is `key` or greater.
  @_lifetime(copy self)
  package mutating func seek(_ key: RawSpan) throws(LMDBError) -> Entry? {
    try reader?.seek(key)
    // LMDB may look at the next leaf for it.
    if let leaf = reader?.leaf, try leaf.ends(before: key) { _ = try reader?.next() }
    return try move(MDB_SET_RANGE, to: key)
  }

  @_lifetime(copy self)
  private mutating func move(
    _ operation: MDB_cursor_op, to target: RawSpan?
  ) throws(LMDBError) -> Entry? {
    var key = unsafe MDB_val()
    var value = unsafe MDB_val()
    let status: Int32
    if let target {
      status = unsafe target.withMutableValue { wanted in
        let status = unsafe mdb_cursor_get(pointer, &wanted, &value, operation)
        unsafe key = wanted
        return status
      }
    } else {
      status = unsafe mdb_cursor_get(pointer, &key, &value, operation)
    }
    hasBegun = true
    if status == MDB_NOTFOUND { return nil }
    try LMDBError.check(status, in: .cursor)
    try note(unsafe key.span)
    return unsafe _overrideLifetime(Entry(key: key.span, value: value.span), copying: self)
  }

  /// Compares the key at which LMDB stands with the leaf on which the reader does.
  private mutating func noteCurrent() throws(LMDBError) {
    var key = unsafe MDB_val()
    var value = unsafe MDB_val()
    try LMDBError.check(
      unsafe mdb_cursor_get(pointer, &key, &value, MDB_GET_CURRENT), in: .cursor)
    try note(unsafe key.span)
  }

  private mutating func note(_ key: RawSpan) throws(LMDBError) {
    guard let leaf = reader?.leaf else { return }
    isAtEnd = try !leaf.ends(after: key)
    isAtBeginning = try !leaf.begins(before: key)
  }
}

extension Transaction where Self: ~Copyable {
  /// A cursor that stands before the first entry of `database`.
  ///
  /// - Parameter rereads: whether pages that have been read since the file was opened are read again,
  ///   where the transaction has changed nothing.
  @_lifetime(borrow self)
  package func cursor(
    in database: Database, rereads: Bool = true
  ) throws(LMDBError) -> Cursor {
    try Cursor(database, in: self, rereads: rereads)
  }
}

extension Cursor {
  /// The entry at which a walk from `start` begins.
  @_lifetime(copy self)
  package mutating func start(
    from start: RawSpan?, reversed: Bool
  ) throws(LMDBError) -> Entry? {
    guard let start else { return reversed ? try last() : try first() }
    guard let found = try seek(start) else { return reversed ? try last() : nil }
    if !reversed || found.key.isEqual(to: start) { return found }
    return try previous()
  }
}

extension RawSpan {
  /// Whether it sorts before `other`, as keys do: byte by byte, a beginning before what it begins.
  package func isLess(than other: RawSpan) -> Bool {
    let count = min(byteCount, other.byteCount)
    let order = unsafe withUnsafeBytes { bytes in
      unsafe other.withUnsafeBytes { others in
        guard let start = bytes.baseAddress, let other = others.baseAddress else { return Int32(0) }
        return unsafe memcmp(start, other, count)
      }
    }
    return order == 0 ? byteCount < other.byteCount : order < 0
  }

  /// True when both hold the same bytes. Not constant in time: never for secrets in the clear.
  package func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    return unsafe withUnsafeBytes { bytes in
      unsafe other.withUnsafeBytes { others in
        guard let start = bytes.baseAddress, let other = others.baseAddress else { return true }
        return unsafe memcmp(start, other, bytes.count) == 0
      }
    }
  }
}
