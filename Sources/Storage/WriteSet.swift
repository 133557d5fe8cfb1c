import Bytes
import LMDB

/// What a batch changes, in memory until the batch is whole: rows that are put, and keys whose rows go,
/// by table and in the order of their keys. Of a key that is changed again the last change counts.
///
/// Jobs read what it holds before what the engine does, and a batch that fails is thrown away with it:
/// the engine has not been touched. What is read of a table is what ``TableChanges`` lends.
///
/// The changes stand in memory as they came, in the form of a frame's rows: see ``add(rows:count:appends:)``.
struct WriteSet: ~Copyable {
  /// The longest key of the engine, in bytes.
  private static let mostKeyBytes = 511
  /// What the engine keeps with an entry, in bytes.
  private static let entryBytes = 16
  /// Memory that is kept for the next batch, in bytes.
  private static let mostKeptBytes = 256 << 10

  /// The change of one key. The bytes stand in the set's own.
  struct Change {
    enum Kind: UInt8 {
      case put = 0
      /// Put under a key that is greater than all others.
      case append = 1
      case removal = 2
    }

    fileprivate let keyStart: UInt32
    fileprivate let keyCount: UInt16
    fileprivate(set) var kind: Kind
    fileprivate let valueStart: UInt32
    fileprivate let valueCount: UInt32
  }

  /// How much of a table is changed, those changes included that others have taken the place of.
  struct Extent {
    /// Rows that were put, and not appended.
    var rows = 0
    var removals = 0
    /// Bytes of those rows, with what the engine keeps beside them.
    var bytes = 0
    /// The same of rows that were appended.
    var appendedBytes = 0
  }

  /// The rows of a frame, as they came.
  private(set) var rows: [UInt8] = []
  private(set) var rowCount = 0
  /// By ``Table/index``.
  private(set) var extents = [Extent](repeating: Extent(), count: Table.allCases.count)
  /// The changes of each table, by ``Table/index``.
  private var tables = [[Change]](repeating: [], count: Table.allCases.count)

  /// The changes of a table.
  subscript(table: Table) -> TableChanges {
    @_lifetime(borrow self)
    get {
      TableChanges(bytes: rows.rawSpan, changes: tables[table.index])
    }
  }

  /// Lends keys and values, as they came.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    unsafe rows.withUnsafeBytes { unsafe body($0) }
  }

  /// Where the changes of a table stand in them.
  func changes(of table: Table) -> [Change] { tables[table.index] }

  /// Whether it changes nothing.
  var isEmpty: Bool { rowCount == 0 }

  /// Another one that holds the same.
  borrowing func copy() -> WriteSet {
    var copy = WriteSet()
    copy.rows = rows
    copy.rowCount = rowCount
    copy.extents = extents
    copy.tables = tables
    return copy
  }

  /// Empties it, for another batch.
  mutating func removeAll() {
    rows.removeAll(keepingCapacity: rows.capacity <= Self.mostKeptBytes)
    rowCount = 0
    for table in tables.indices {
      tables[table].removeAll(keepingCapacity: true)
      extents[table] = Extent()
    }
  }

  /// Notes that `value` stands under `key`.
  /// - Throws: ``LMDBError/Kind/badValueSize``; ``LMDBError/Kind/keyExists`` for one that is appended where
  ///   the set has a greater key, or the same.
  mutating func put(
    key: RawSpan, value: RawSpan, in table: Table, appends: Bool
  ) throws(LMDBError) {
    try note(appends ? .append : .put, key, value, in: table)
  }

  /// Notes that nothing stands under `key`.
  mutating func remove(_ key: RawSpan, in table: Table) throws(LMDBError) {
    try note(.removal, key, RawSpan(), in: table)
  }

  private mutating func note(
    _ kind: Change.Kind, _ key: RawSpan, _ value: RawSpan, in table: Table
  ) throws(LMDBError) {
    guard key.byteCount > 0, key.byteCount <= Self.mostKeyBytes else {
      throw LMDBError(.badValueSize, in: .put)
    }
    let (place, isKnown) = self[table].place(of: key)
    // What goes is gone before anything is appended.
    if kind == .append, place < tables[table.index].count,
      tables[table.index][place...].contains(where: { $0.kind != .removal })
    {
      throw LMDBError(.keyExists, in: .put)
    }
    appendRow(kind, key, value, in: table)
    let start = rows.count - key.byteCount - value.byteCount
    let change = Change(
      keyStart: UInt32(start), keyCount: UInt16(key.byteCount),
      // The row that was there comes before those that were not.
      kind: isKnown && kind == .append ? .put : kind,
      valueStart: UInt32(start + key.byteCount), valueCount: UInt32(value.byteCount))
    if isKnown {
      if tables[table.index][place].kind == .removal { doNotAppend(before: place, in: table) }
      tables[table.index][place] = change
    } else if place == tables[table.index].count {
      tables[table.index].append(change)
    } else {
      tables[table.index].insert(change, at: place)
    }
  }

  /// Appends a frame's row.
  private mutating func appendRow(
    _ kind: Change.Kind, _ key: RawSpan, _ value: RawSpan, in table: Table
  ) {
    let count = key.byteCount + value.byteCount + Self.entryBytes
    var head = UInt64(table.index) << 56 | UInt64(kind.rawValue) << 48
    head |= UInt64(key.byteCount) << 32 | UInt64(value.byteCount)
    rows.append(bigEndian: head)
    rows.append(contentsOf: key)
    rows.append(contentsOf: value)
    rowCount += 1
    switch kind {
    case .append: extents[table.index].appendedBytes += count
    case .put:
      extents[table.index].rows += 1
      extents[table.index].bytes += count
    case .removal: extents[table.index].removals += 1
    }
  }

  /// What was to be appended is put: a greater key that was to go before stays now.
  private mutating func doNotAppend(before place: Int, in table: Table) {
    for index in 0..<place where tables[table.index][index].kind == .append {
      tables[table.index][index].kind = .put
    }
  }
}

/// The changes of one table, in the order of their keys, lent by a ``WriteSet``.
struct TableChanges: ~Escapable {
  private let bytes: RawSpan
  private let changes: [WriteSet.Change]

  @_lifetime(copy bytes)
  init(bytes: RawSpan, changes: [WriteSet.Change]) {
    self.bytes = bytes
    self.changes = changes
  }

  /// No changes.
  @_lifetime(immortal)
  init() {
    bytes = RawSpan()
    changes = []
  }

  var isEmpty: Bool { changes.isEmpty }
  var count: Int { changes.count }

  func kind(at index: Int) -> WriteSet.Change.Kind { changes[index].kind }

  @_lifetime(copy self)
  func key(at index: Int) -> RawSpan {
    let change = changes[index]
    return bytes.extracting(droppingFirst: Int(change.keyStart))
      .extracting(first: Int(change.keyCount))
  }

  @_lifetime(copy self)
  func value(at index: Int) -> RawSpan {
    let change = changes[index]
    return bytes.extracting(droppingFirst: Int(change.valueStart))
      .extracting(first: Int(change.valueCount))
  }

  /// Where the change of `key` is or would be.
  func place(of key: RawSpan) -> (index: Int, isKnown: Bool) {
    // Most keys are greater than all before.
    guard let last = changes.indices.last, !self.key(at: last).isLess(than: key) else {
      return (changes.count, false)
    }
    var (low, high) = (0, last)
    while low < high {
      let middle = (low + high) / 2
      if self.key(at: middle).isLess(than: key) { low = middle + 1 } else { high = middle }
    }
    return (low, self.key(at: low).isEqual(to: key))
  }
}
