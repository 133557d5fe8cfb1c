import Bytes
import LMDB

/// What says in `meta` whether the file is all that there is.
///
/// Older versions refuse any format that they do not know, by name.
struct StoreFormat: Equatable {
  static let key = Array("format".utf8)
  /// `cards.mdb` alone is the truth.
  static let whole = StoreFormat(number: 1)
  /// `cards.mdb` and the frames of `cards.journal` that follow it are.
  static let withJournal = StoreFormat(number: 2)

  let number: UInt8

  var bytes: [UInt8] { [number] }

  /// Writes it to a transaction of LMDB.
  func put(in base: inout WriteTransaction, _ meta: Database) throws(LMDBError) {
    let bytes = bytes
    try base.put(key: Self.key.rawSpan, value: bytes.rawSpan, in: meta)
  }

  /// The format of the store that `transaction` sees; nil where it says none.
  static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(StorageError) -> StoreFormat? {
    guard let found = try transaction.get(key.rawSpan, in: .meta), found.byteCount == 1 else {
      return nil
    }
    return StoreFormat(number: found.byte(0))
  }
}
