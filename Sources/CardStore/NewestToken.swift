import Cards
import SecretMemory
import Storage

/// The greatest token that was ever given out, so that tokens go on increasing whatever was deleted
/// and wherever the clock stands, and an index that is ahead of its store is found out.
///
/// Row of `meta`: `newest-token` → token(16).
enum NewestToken {
  private static let key: [UInt8] = Array("newest-token".utf8)

  static func read(_ transaction: borrowing some StoreReading & ~Copyable) throws -> Token? {
    guard let row = try transaction.get(key.rawSpan, in: .meta) else { return nil }
    guard let token = Token(bytes: row) else { throw CardStoreError.malformedRow }
    return token
  }

  static func write(_ token: Token, in transaction: inout StoreWriteTransaction) throws {
    try token.withBytes { value in
      try transaction.put(key: key.rawSpan, value: value, in: .meta)
    }
  }
}
