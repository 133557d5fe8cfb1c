internal import Bytes
package import RecordFormat
package import Storage

/// The set of custodians lies in the row `custodians` of the table `keyring`, in clear.
extension CustodianSet {
  private static let rowKey: [UInt8] = Array("custodians".utf8)

  /// The custodians of the store's KEK; nil where none hold shares.
  ///
  /// - Throws: ``CustodyProblem/malformedSet``, `StorageError`.
  package static func read(in store: Store) throws(KeyringError) -> CustodianSet? {
    try store.read { (transaction) throws(KeyringError) in try read(in: transaction) }
  }

  /// The custodians of the store's KEK; nil where none hold shares.
  ///
  /// - Throws: ``CustodyProblem/malformedSet``.
  package static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(KeyringError) -> CustodianSet? {
    guard let row = try onStore(transaction.get(rowKey.rawSpan, in: .keyring)?.array) else {
      return nil
    }
    do throws(RecordError) { return try CustodianSet(of: row.rawSpan) } catch {
      throw .custody(.malformedSet)
    }
  }

  /// Writes the set in the place of the one before.
  package func save(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.put(key: Self.rowKey.rawSpan, value: encode().rawSpan, in: .keyring)
  }

  /// Removes the set: the KEK has no custodians any more.
  package static func remove(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.delete(rowKey.rawSpan, in: .keyring)
  }
}
