import Bytes
import LMDB

/// A walk over every entry of a table, in pieces, each in a short snapshot of its own, so that others may
/// write meanwhile: where it stands between two of them, and whether it has come to its end.
package struct PieceWalk: Sendable {
  private let entriesPerPiece: Int
  /// The key of the last entry of the piece before.
  private var position: [UInt8]?
  /// Entries that were read.
  package private(set) var count = 0
  package private(set) var isAtEnd = false
  fileprivate var isAtStart: Bool { position == nil }

  /// A walk over the entries after the key `position`, or over all.
  package init(after position: [UInt8]? = nil, entriesPerPiece: Int = 1_000) {
    self.position = position
    self.entriesPerPiece = entriesPerPiece
  }

  /// Calls `body` with each entry of the next piece. Where that returns false, the walk has come to its
  /// end before that entry.
  ///
  /// After an error it stands where it stood.
  /// - Throws: what `body` throws, and in its type the store's own error.
  fileprivate mutating func readPiece<Source: EntrySource & ~Copyable, E: StoreFailure>(
    of place: Source.Place, in source: borrowing Source,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> Bool
  ) throws(E) {
    let start = position ?? []
    let isFirst = position == nil
    var last: [UInt8]?
    var read = 0
    try source.forEach(
      in: place, from: isFirst ? nil : start.rawSpan
    ) { (key, value) throws(E) in
      // Where it stands, if that is there still.
      if !isFirst, key.isEqual(to: start) { return true }
      guard try body(key, value) else { return false }
      read += 1
      guard read == entriesPerPiece else { return true }
      last = key.array
      return false
    }
    position = last ?? position
    isAtEnd = last == nil
    count += read
  }
}

extension Store {
  /// Reads the next piece of a walk over `table`; see ``PieceWalk``.
  package func readPiece<E: StoreFailure>(
    of table: Table, _ walk: inout PieceWalk,
    _ body: (
      _ key: RawSpan, _ value: RawSpan, _ transaction: borrowing StoreReadTransaction
    ) throws(E) -> Bool
  ) throws(E) {
    func readPiece(in transaction: borrowing StoreReadTransaction) throws(E) {
      try walk.readPiece(of: table, in: transaction) { (key, value) throws(E) in
        try body(key, value, transaction)
      }
    }
    if walk.isAtStart { try read(readPiece) } else { try readOn(readPiece) }
  }

  /// Calls `body` with every entry of `table`, while others may write, and goes with that through each of
  /// its pages: one that is not what its place says is an error.
  ///
  /// - Parameter goesOn: asked after each piece, outside of any transaction; false gives up.
  /// - Returns: false where it was given up.
  /// - Throws: what `body` and `goesOn` throw, and in their type the store's own error:
  ///   ``StorageError/damaged(file:page:)``.
  package func walk<E: StoreFailure>(
    over table: Table, goesOn: () throws(E) -> Bool,
    _ body: (
      _ key: RawSpan, _ value: RawSpan, _ transaction: borrowing StoreReadTransaction
    ) throws(E) -> Void
  ) throws(E) -> Bool {
    var walk = PieceWalk()
    while !walk.isAtEnd {
      try readPiece(of: table, &walk) { (key, value, transaction) throws(E) in
        try body(key, value, transaction)
        return true
      }
      guard try goesOn() else { return false }
    }
    let generation = generations.value
    generation.environment.noteRead(generation.tables[table])
    return true
  }

  /// Goes through every page of `table`, see ``walk(over:goesOn:_:)``.
  package func readPages(
    of table: Table, goesOn: () -> Bool = { true }
  ) throws(StorageError) -> Bool {
    try walk(
      over: table, goesOn: { () throws(StorageError) in goesOn() }
    ) { (_, _, _) throws(StorageError) in }
  }
}

extension StoreIndex {
  /// Reads the next piece of a walk over one of its tables; see ``PieceWalk``.
  package func readPiece<E: StoreFailure>(
    of slot: Slot, _ walk: inout PieceWalk,
    _ body: (_ fingerprint: RawSpan, _ token: RawSpan) throws(E) -> Bool
  ) throws(E) {
    try read { (snapshot) throws(E) in try walk.readPiece(of: slot, in: snapshot, body) }
  }
}
