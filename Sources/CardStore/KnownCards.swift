package import Cards
import RecordFormat
package import Storage

/// Records that are opened inside a transaction, to be looked at.
extension CardStore {
  /// A record that has been opened, whose it is, and the key that it stands under.
  struct Known: ~Copyable {
    let key: KeyIdentifier
    let merchant: UInt32
    var card: StoredCard
  }

  /// The card of a token, to look at; nil where there is no such token.
  ///
  /// - Parameter merchant: whose it has to be; anybody's where it is nil.
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  func knownCard(
    _ token: Token, of merchant: UInt32? = nil, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Known? {
    try withRecord(of: token, of: merchant, in: &transaction) {
      (record, header) throws(CardStoreError) -> Known in
      Known(
        key: header.keyIdentifier, merchant: header.merchant,
        card: try cipher.open(record, token: token))
    }
  }

  /// What `open` makes of the record of a token; nil where there is none, or it is another merchant's.
  ///
  /// Another merchant's card is opened only where nothing but its seal can prove whose it is, so that it
  /// takes no longer than a token that never was.
  ///
  /// - Parameter merchant: whose it has to be; anybody's where it is nil.
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  func withRecord<R: ~Copyable>(
    of token: Token, of merchant: UInt32?, in transaction: inout StoreWriteTransaction,
    _ open: (RawSpan, CardRecordHeader) throws(CardStoreError) -> R
  ) throws(CardStoreError) -> R? {
    let isProven = transaction.isProven(.cards)
    return try token.withBytes { (key) throws(CardStoreError) -> R? in
      guard let record = try record(key, in: &transaction) else { return nil }
      let header = try Self.header(of: record)
      if let merchant, header.merchant != merchant {
        _ = try provenHeader(of: record, token, isProven: isProven)
        return nil
      }
      return try open(record, header)
    }
  }

  /// The record under the bytes of a token; nil where there is none.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen`` also where it may be one beside the token's place: one
  ///   that does not open may stand under another key than its own.
  @_lifetime(&transaction)
  func record(
    _ key: RawSpan, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> RawSpan? {
    if !transaction.isProven(.cards) { try checkPlace(of: key, in: transaction) }
    do throws(StorageError) { return try transaction.get(key, in: .cards) } catch {
      throw .store(error)
    }
  }

  /// Whether the merchant has a card under `token`; nil where that is not certain without waiting. On any
  /// thread.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/store(_:)``.
  package static func holds(
    _ token: Token, of merchant: UInt32, in store: Store
  ) throws(CardStoreError) -> Bool? {
    let sees = store.isCommitted
    return try store.readOn { (transaction) throws(CardStoreError) -> Bool? in
      try token.withBytes { (key) throws(CardStoreError) in
        let record: RawSpan?
        do throws(StorageError) { record = try transaction.get(key, in: .cards) } catch {
          throw .store(error)
        }
        guard let record else { return sees ? false : nil }
        return try header(of: record).merchant == merchant
      }
    }
  }

  /// Opens the records beside the place of a key under which there is none.
  private func checkPlace(
    of key: RawSpan, in transaction: borrowing StoreWriteTransaction
  ) throws(CardStoreError) {
    guard try !stored(transaction.contains(key, in: .cards)) else { return }
    try transaction.forNeighbours(of: key, in: .cards) { (key, record) throws(CardStoreError) in
      guard let token = Token(bytes: key) else { throw .recordDoesNotOpen }
      _ = try cipher.open(record, token: token)
    }
  }

  /// What stands in clear at the beginning of a record, proved by its seal unless it `isProven`.
  func provenHeader(
    of record: RawSpan, _ token: Token, isProven: Bool
  ) throws(CardStoreError) -> CardRecordHeader {
    if !isProven { _ = try cipher.open(record, token: token) }
    return try Self.header(of: record)
  }

  static func header(of record: RawSpan) throws(CardStoreError) -> CardRecordHeader {
    do { return try CardRecordHeader(of: record) } catch { throw .recordDoesNotOpen }
  }
}
