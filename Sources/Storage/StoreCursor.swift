import LMDB

/// A key and its value, lent by a transaction.
package struct StoreEntry: ~Escapable {
  package let key: RawSpan
  package let value: RawSpan

  @_lifetime(copy key)
  init(key: RawSpan, value: RawSpan) {
    self.key = key
    self.value = unsafe _overrideLifetime(value, copying: key)
  }

  /// True when key and value are the same bytes as those of `other`. Not constant in time.
  func isEqual(to other: borrowing StoreEntry) -> Bool {
    key.isEqual(to: other.key) && value.isEqual(to: other.value)
  }
}

/// Walks a table in the order of its keys, or against it: what the engine holds, and what the transaction
/// has changed.
package struct StoreCursor: ~Copyable, ~Escapable {
  /// In which direction the engine's cursor and `place` are ahead of the entry that was given last.
  private enum Direction {
    case forward, backward
  }

  private var base: Cursor
  private let changes: TableChanges
  private var direction: Direction?
  /// The engine's entry that comes next in the direction; nil at its end.
  private var ahead: StoreEntry?
  /// Whether that one was given, or a change in its place: the engine goes on when it is asked to, and meets
  /// no page before.
  private var isGiven = false
  /// The change that comes next in it.
  private var place = 0
  /// The key that was given last; nil before the first.
  private var key: RawSpan?

  @_lifetime(copy base, copy changes)
  init(_ base: consuming Cursor, changes: TableChanges) {
    self.base = base
    self.changes = changes
    // The compiler does not let them have a lifetime of their own.
    ahead = nil
    key = nil
  }

  /// The entry after the current one; at first the first. Nil at the end.
  @_lifetime(copy self)
  package mutating func next() throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) {
      if changes.isEmpty { return StoreEntry(try base.next()) }
      if direction != .forward { try turnForward() }
      return try give()
    } catch { throw StorageError(error) }
  }

  /// The entry before the current one; at first the last. Nil at the beginning.
  @_lifetime(copy self)
  package mutating func previous() throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) {
      if changes.isEmpty { return StoreEntry(try base.previous()) }
      if direction != .backward { try turnBackward() }
      return try give()
    } catch { throw StorageError(error) }
  }

  /// The first entry whose key is `key` or greater.
  @_lifetime(copy self)
  package mutating func seek(_ key: RawSpan) throws(StorageError) -> StoreEntry? {
    try start(from: key)
  }

  /// The entry at which a walk from `start` begins: the first with that key or a greater one, or,
  /// when `reversed`, the last with that key or a smaller one. Without `start`: the first or last.
  @_lifetime(copy self)
  package mutating func start(
    from start: RawSpan? = nil, reversed: Bool = false
  ) throws(StorageError) -> StoreEntry? {
    do throws(LMDBError) {
      let found = StoreEntry(try base.start(from: start, reversed: reversed))
      if changes.isEmpty { return found }
      ahead = found
      isGiven = false
      direction = reversed ? .backward : .forward
      if let start {
        let (place, isKnown) = changes.place(of: start)
        self.place = reversed && !isKnown ? place - 1 : place
      } else {
        place = reversed ? changes.count - 1 : 0
      }
      return try give()
    } catch { throw StorageError(error) }
  }

  // MARK: - Merging

  /// The next entry in the direction; a change stands for the engine's entry of its key.
  @_lifetime(copy self)
  private mutating func give() throws(LMDBError) -> StoreEntry? {
    while true {
      if isGiven { try advance() }
      let hasChange = place >= 0 && place < changes.count
      if let entry = ahead {
        if !hasChange || comesFirst(entry.key, changes.key(at: place)) {
          isGiven = true
          key = entry.key
          return entry
        }
        isGiven = entry.key.isEqual(to: changes.key(at: place))
      }
      guard hasChange else { return nil }
      let given = place
      place += direction == .backward ? -1 : 1
      if changes.kind(at: given) == .removal { continue }
      let entry = StoreEntry(key: changes.key(at: given), value: changes.value(at: given))
      key = entry.key
      return entry
    }
  }

  private func comesFirst(_ key: RawSpan, _ other: RawSpan) -> Bool {
    direction == .backward ? other.isLess(than: key) : key.isLess(than: other)
  }

  private mutating func advance() throws(LMDBError) {
    isGiven = false
    ahead = StoreEntry(try direction == .backward ? base.previous() : base.next())
  }

  /// Goes to what comes after the entry that was given last.
  private mutating func turnForward() throws(LMDBError) {
    direction = .forward
    isGiven = false
    guard let key else {
      place = 0
      ahead = StoreEntry(try base.first())
      return
    }
    let (place, isKnown) = changes.place(of: key)
    self.place = isKnown ? place + 1 : place
    ahead = StoreEntry(try base.seek(key))
    if let entry = ahead { isGiven = entry.key.isEqual(to: key) }
  }

  /// Goes to what comes before it.
  private mutating func turnBackward() throws(LMDBError) {
    direction = .backward
    isGiven = false
    guard let key else {
      place = changes.count - 1
      ahead = StoreEntry(try base.last())
      return
    }
    place = changes.place(of: key).index - 1
    if try base.seek(key) == nil { ahead = StoreEntry(try base.last()) } else { try advance() }
  }
}

extension StoreEntry {
  @_lifetime(copy entry)
  fileprivate init?(_ entry: consuming Entry?) {
    guard let entry else { return nil }
    self.init(key: entry.key, value: entry.value)
  }
}

extension StoreCursor {
  /// Calls `body` with each entry, until it returns false; see ``EntrySource/forEach(in:from:reversed:_:)``.
  /// Returns what `body` has thrown.
  mutating func forEach<E: Error>(
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
  mutating func forNeighbours<E: Error>(
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
