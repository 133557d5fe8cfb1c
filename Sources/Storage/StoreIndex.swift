internal import Bytes
import Glibc
import LMDB
import Synchronization
import SystemCalls

/// `index.mdb`: which token a fingerprint leads to. It is derived from the store and never trusted.
/// What is wrong with it is cured by setting it aside and beginning an empty one, which its owner
/// fills from the records.
///
/// Each of its two tables has entries, fingerprint → token, and a mark, a row that says how far it
/// goes; what the bytes mean is the owner's.
package final class StoreIndex: Sendable {
  /// One of the tables: there are two, so that fingerprints under a new key can be gathered while the
  /// older ones still serve.
  package enum Slot: Int, CaseIterable, Sendable {
    case first, second

    package var other: Slot { self == .first ? .second : .first }

    fileprivate var name: String { self == .first ? "fingerprints" : "fingerprints2" }
    /// The key of the mark's row.
    fileprivate var mark: [UInt8] { Array((self == .first ? "mark" : "mark2").utf8) }
  }

  /// Why the index that was there could not be used.
  package enum Loss: Equatable, Sendable {
    case missing, truncated, damaged
    /// It belongs to another store.
    case foreign
  }

  /// Why the index is empty now, or nil when the one that was there is in use.
  package let loss: Loss?
  private let history: IndexHistory
  private let isBroken = Atomic(false)
  private let proof = Atomic(false)
  /// Records that did not open when it was filled, so that it lacks their entries.
  private let leftOut = Atomic(0)
  private let environment: Environment
  /// The table of marks. The key `store` says whose index it is.
  private let meta: Database
  private let tables: [Database]

  private static let storeKey = Array("store".utf8)

  private init(
    _ environment: Environment, meta: Database, loss: Loss?, history: IndexHistory,
    isReadOnly: Bool = false
  ) throws(LMDBError) {
    self.history = history
    self.environment = environment
    self.meta = meta
    self.loss = loss
    var tables: [Database] = []
    for slot in Slot.allCases {
      tables.append(try environment.openDatabase(slot.name, creating: !isReadOnly))
    }
    self.tables = tables
  }

  /// Whether somebody has said that it cannot be used any more. From any thread, as all of it.
  package var isCondemned: Bool { isBroken.load(ordering: .relaxed) }

  /// Says that it cannot be used any more, and why, for an operator; it is replaced by
  /// ``Store/replaceIndex()``.
  package func condemn(_ reason: String) {
    if isBroken.exchange(true, ordering: .relaxed) { return }
    history.noteLoss(reason)
  }

  /// Notes that it knows newer cards than `cards.mdb`, so that it is begun anew.
  package func noteAhead() {
    history.noteLoss(
      "it knows newer cards than cards.mdb, in whose place an older copy was put: what came after that "
        + "copy is gone; put the newer file back, or restore a backup")
  }

  /// Notes that a transaction could not be written, and why.
  package func noteFailedWrite(_ reason: String) { history.noteFailedWrite(reason) }

  /// Whether it has been compared with the records since it was opened, or was filled from all of them, so
  /// that what it does not hold is new.
  package var isProven: Bool { proof.load(ordering: .relaxed) }

  /// Notes that every entry of a table has been read since it was opened, so that each of its pages is what
  /// its place says.
  package func notePagesRead(of slot: Slot) { environment.noteRead(tables[slot.rawValue]) }

  /// Notes that every record has its entry in a table, and every entry there is of its record.
  package func prove(_ slot: Slot) {
    notePagesRead(of: slot)
    proof.store(true, ordering: .relaxed)
  }

  /// Notes that records did not open from which it was to be filled.
  package func noteLeftOut(_ count: Int) {
    guard count > 0 else { return }
    history.noteLeftOut(leftOut.add(count, ordering: .relaxed).newValue)
  }

  /// Notes how many records without an entry a look at all of them has found.
  package func correctLeftOut(_ count: Int) { history.noteLeftOut(count) }

  /// Notes that a table is complete. One that was empty when it was opened holds what the records say,
  /// where all of them opened.
  package func noteFilled() {
    guard loss != nil, leftOut.load(ordering: .relaxed) == 0 else { return }
    proof.store(true, ordering: .relaxed)
  }

  /// Whether all of its pages were read when it was opened.
  var wasReadWhole: Bool { environment.wasReadWhole }

  /// Lends a snapshot of both tables to `body`. Keep it short.
  package func read<R: ~Copyable, E: Error>(
    _ body: (borrowing IndexSnapshot) throws(E) -> R
  ) throws(E) -> R {
    try body(IndexSnapshot(base: environment.beginReadOrFail(), tables: tables))
  }

  /// What `read` makes of the token under a fingerprint; nil where there is none.
  package func token<R>(
    for fingerprint: RawSpan, in slot: Slot, _ read: (RawSpan) -> R?
  ) throws(StorageError) -> R? {
    try value(under: fingerprint, in: tables[slot.rawValue], read)
  }

  /// What `read` makes of the mark of a table; nil where it has none.
  package func mark<R>(of slot: Slot, _ read: (RawSpan) -> R?) throws(StorageError) -> R? {
    let key = slot.mark
    return try value(under: unsafe key.span.bytes, in: meta, read)
  }

  private func value<R>(
    under key: RawSpan, in table: Database, _ read: (RawSpan) -> R?
  ) throws(StorageError) -> R? {
    let transaction = environment.beginReadOrFail()
    guard let value = try transaction.value(under: key, in: table) else { return nil }
    return read(value)
  }

  /// How many entries a table has.
  package func count(of slot: Slot) throws(StorageError) -> Int {
    try engine(environment.beginRead().count(of: tables[slot.rawValue]))
  }

  /// Lends a change of a table to `body`, and makes it durable when that returns.
  package func write(
    to slot: Slot, _ body: (inout IndexChange) throws(StorageError) -> Void
  ) throws(StorageError) {
    var change = IndexChange(
      base: try engine(environment.beginWrite()), table: tables[slot.rawValue], meta: meta,
      mark: slot.mark)
    try body(&change)
    try change.commit(to: environment.path)
  }

  /// Whether the file still has its name, and has not been cut off. What the system does not tell is no
  /// reason to say so.
  package var isInPlace: Bool {
    (try? environment.hasItsName()) != false && !environment.isCutOff
  }

  /// Bytes that are missing until so many more entries can be written, on the disk or up to its greatest
  /// size; 0 where none is.
  func lackingBytes(forEntries count: Int) -> Int {
    guard let figures = try? environment.information() else { return 0 }
    let used = figures.pageCount * figures.pageSize
    return Self.lackingBytes(
      forEntries: count, used: used,
      available: min(Files.availableBytes(beside: environment.path) ?? .max, figures.mapSize - used)
    )
  }

  /// An entry takes some 56 bytes in pages that are two thirds full, and each transaction changes copies
  /// of pages, most of which the next but one uses again.
  static func lackingBytes(forEntries count: Int, used: Int, available: Int) -> Int {
    max(0, count * 100 + min(max(used, 64 << 10), 4 << 20) - available)
  }

  /// Opens the index of the store `identifier` in `directory`, or begins a new one. A file that
  /// cannot be used is renamed to `index.mdb.set-aside`. What happens to it is noted in `history`.
  static func open(
    directory: String, identifier: StoreIdentifier, mapSize: Int, history: IndexHistory,
    checksWholeUpTo: Int? = nil
  ) throws(StorageError) -> StoreIndex {
    let path = "\(directory)/index.mdb"
    let loss: Loss
    do throws(StorageError) {
      return try existing(
        path: path, identifier: identifier, mapSize: mapSize, history: history,
        checksWholeUpTo: checksWholeUpTo)
    } catch {
      loss = try judge(error)
    }
    if loss != .missing { try setAside(path) }
    return try fresh(
      path: path, identifier: identifier, mapSize: mapSize, loss: loss, history: history)
  }

  /// Opens the index for reading, as it is, where nothing can be begun anew.
  static func openReadOnly(
    directory: String, identifier: StoreIdentifier, mapSize: Int, history: IndexHistory,
    checksWholeUpTo: Int?
  ) throws(StorageError) -> Store.Derived {
    do throws(StorageError) {
      return .open(
        try existing(
          path: "\(directory)/index.mdb", identifier: identifier, mapSize: mapSize,
          history: history, checksWholeUpTo: checksWholeUpTo, isReadOnly: true))
    } catch {
      return .lost(try judge(error))
    }
  }

  /// Sets the file aside, and begins an empty one in its place.
  func replacement(for identifier: StoreIdentifier) throws(StorageError) -> StoreIndex {
    let mapSize = try engine(environment.information().mapSize)
    try Self.setAside(environment.path)
    return try Self.fresh(
      path: environment.path, identifier: identifier, mapSize: mapSize, loss: .damaged,
      history: history)
  }

  private static func options(mapSize: Int) -> Environment.Options {
    var options = Environment.Options(mapSize: mapSize)
    options.maxDatabases = 8
    return options
  }

  private static func existing(
    path: String, identifier: StoreIdentifier, mapSize: Int, history: IndexHistory,
    checksWholeUpTo: Int?, isReadOnly: Bool = false
  ) throws(StorageError) -> StoreIndex {
    var options = options(mapSize: mapSize)
    options.isReadOnly = isReadOnly
    if let checksWholeUpTo { options.checksWholeUpTo = checksWholeUpTo }
    do throws(LMDBError) {
      let environment = try Environment(path: path, options: options)
      let meta = try environment.openDatabase("meta")
      let transaction = environment.beginReadOrFail()
      guard let owner = try transaction.get(storeKey.rawSpan, in: meta),
        owner.isEqual(to: identifier.bytes)
      else { throw LMDBError(.keyExists, in: .open) }
      return try StoreIndex(
        environment, meta: meta, loss: nil, history: history, isReadOnly: isReadOnly)
    } catch {
      throw StorageError(error, opening: path)
    }
  }

  /// What an error of opening says about the file; an error that says nothing about it is thrown.
  private static func judge(_ error: StorageError) throws(StorageError) -> Loss {
    switch error {
    case .truncated: return .truncated
    case .damaged: return .damaged
    case .engine(let reason) where reason.error.kind == .system(errno: ENOENT): return .missing
    case .engine(let reason) where reason.error.kind == .keyExists: return .foreign
    default: throw error
    }
  }

  private static func setAside(_ path: String) throws(StorageError) {
    // Where it is gone, an attempt before this one had come so far.
    guard unsafe rename(path, setAsideName(path)) == 0 || errno == ENOENT else {
      throw .system(call: "rename", path: path, errno: errno)
    }
    guard unsafe unlink("\(path)-lock") == 0 || errno == ENOENT else {
      throw .system(call: "unlink", path: "\(path)-lock", errno: errno)
    }
  }

  /// Removes a file that was set aside, which takes room that the one in use lacks.
  package func removeSetAside() { unsafe unlink(Self.setAsideName(environment.path)) }

  private static func setAsideName(_ path: String) -> String { "\(path).set-aside" }

  /// Begins an empty index; after an error there is none. A file that was set aside goes where there is
  /// no room for both.
  private static func fresh(
    path: String, identifier: StoreIdentifier, mapSize: Int, loss: Loss, history: IndexHistory
  ) throws(StorageError) -> StoreIndex {
    do throws(StorageError) {
      return try make(
        path: path, identifier: identifier, mapSize: mapSize, loss: loss, history: history)
    } catch {
      guard error.isOfRoom, unsafe unlink(setAsideName(path)) == 0 else { throw error }
      return try make(
        path: path, identifier: identifier, mapSize: mapSize, loss: loss, history: history)
    }
  }

  private static func make(
    path: String, identifier: StoreIdentifier, mapSize: Int, loss: Loss, history: IndexHistory
  ) throws(StorageError) -> StoreIndex {
    var options = options(mapSize: mapSize)
    options.creates = true
    do throws(LMDBError) {
      let environment = try Environment(path: path, options: options)
      let meta = try environment.openDatabase("meta", creating: true)
      var transaction = try environment.beginWrite()
      try transaction.put(key: storeKey.rawSpan, value: identifier.bytes.rawSpan, in: meta)
      try transaction.commit()
      return try StoreIndex(environment, meta: meta, loss: loss, history: history)
    } catch {
      // Before it is removed, which gives back what it had.
      let hadRoom = !Files.haveNoRoom(beside: Directory.containing(path))
      for name in [path, "\(path)-lock"] { unsafe unlink(name) }
      if error.kind == .ioError, !hadRoom { throw .full }
      throw StorageError(error, opening: path)
    }
  }
}

/// A snapshot of the index's tables: fingerprint → token.
package struct IndexSnapshot: ~Copyable, EntrySource {
  fileprivate let base: ReadTransaction
  fileprivate let tables: [Database]

  @_lifetime(borrow self)
  package func cursor(in slot: StoreIndex.Slot) throws(StorageError) -> StoreCursor {
    let cursor = try base.storeCursor(in: tables[slot.rawValue])
    return unsafe _overrideLifetime(cursor, borrowing: self)
  }
}

/// A change of one of the index's tables, and of its mark.
package struct IndexChange: ~Copyable {
  fileprivate var base: WriteTransaction
  fileprivate let table: Database
  fileprivate let meta: Database
  fileprivate let mark: [UInt8]

  /// What `read` makes of the token under a fingerprint; nil where there is none.
  package func token<R>(
    for fingerprint: RawSpan, _ read: (RawSpan) -> R?
  ) throws(StorageError) -> R? {
    guard let value = try base.value(under: fingerprint, in: table) else { return nil }
    return read(value)
  }

  /// Has a fingerprint lead to a token, or, without one, to nothing.
  package mutating func set(_ fingerprint: RawSpan, to token: RawSpan?) throws(StorageError) {
    if let token {
      try engine(base.put(key: fingerprint, value: token, in: table))
    } else {
      _ = try engine(base.delete(fingerprint, in: table))
    }
  }

  /// Moves the mark.
  package mutating func setMark(_ row: RawSpan) throws(StorageError) {
    let mark = mark
    try engine(base.put(key: unsafe mark.span.bytes, value: row, in: meta))
  }

  /// Removes every entry, and the mark.
  package mutating func clear() throws(StorageError) {
    let mark = mark
    try engine(base.removeAll(in: table))
    _ = try engine(base.delete(unsafe mark.span.bytes, in: meta))
  }

  fileprivate consuming func commit(to path: String) throws(StorageError) {
    do throws(LMDBError) { try base.commit() } catch {
      // LMDB calls it EIO when a part of what was to be written has had room. Nothing rests on this
      // file: an error that is taken for want of room costs a catch-up.
      if error.kind == .ioError, Files.haveNoRoom(beside: path) { throw .full }
      throw StorageError(error)
    }
  }
}
