import Bytes
import Cards
import Storage

/// The greatest token that was ever given out, so that tokens go on increasing whatever was deleted
/// and wherever the clock stands, and an index that is ahead of its store is found out.
///
/// Row of `meta`: `newest-token` → token(16).
enum NewestToken {
  private static let key: [UInt8] = Array("newest-token".utf8)

  /// The noted token, or the last one of the table where that is greater: records are appended, so
  /// that a note which fell behind would stop every new card.
  static func read(
    _ transaction: borrowing some StoreReading & ~Copyable
  ) throws(CardStoreError) -> Token? {
    var isMalformed = false
    var newest: Token?
    do throws(StorageError) {
      if let row = try transaction.get(key.rawSpan, in: .meta) {
        newest = Token(bytes: row)
        isMalformed = newest == nil
      }
      var cursor = try transaction.cursor(in: .cards)
      if let last = try cursor.previous(), let token = Token(bytes: last.key) {
        newest = newest.map { max($0, token) } ?? token
      }
    } catch { throw .store(error) }
    guard !isMalformed else { throw .malformedRow }
    return newest
  }

  static func read(in store: Store) throws(CardStoreError) -> Token? {
    try store.read { (transaction) throws(CardStoreError) in try read(transaction) }
  }

  static func write(_ token: Token, in transaction: inout StoreWriteTransaction)
    throws(StorageError)
  {
    try token.withBytes { (value) throws(StorageError) in
      try transaction.put(key: key.rawSpan, value: value, in: .meta)
    }
  }
}
