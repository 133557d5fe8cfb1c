import Bytes
import Cards
import LMDB
import Storage

/// The greatest token that was ever given out, so that tokens go on increasing whatever was deleted
/// and wherever the clock stands, and an index that is ahead of its store is found out.
///
/// Row of `meta`: `newest-token` → token(16).
enum NewestToken {
  private static let key: [UInt8] = Array("newest-token".utf8)

  /// The noted token, or the last one of the table where that is greater: records are appended, so
  /// that a note which fell behind would stop every new card.
  static func read(_ transaction: borrowing some StoreReading & ~Copyable) throws -> Token? {
    var newest: Token?
    if let row = try transaction.get(key.rawSpan, in: .meta) {
      guard let token = Token(bytes: row) else { throw CardStoreError.malformedRow }
      newest = token
    }
    var cursor = try transaction.cursor(in: .cards)
    if let last = try cursor.previous(), let token = Token(bytes: last.key) {
      newest = newest.map { max($0, token) } ?? token
    }
    return newest
  }

  static func write(_ token: Token, in transaction: inout StoreWriteTransaction) throws {
    try token.withBytes { value in
      try transaction.put(key: key.rawSpan, value: value, in: .meta)
    }
  }
}
