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

  /// The card that a hint leads to. A record that does not open cannot be this card's; it is found
  /// and named by `store verify`.
  func believable(
    _ hint: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Known? {
    do throws(CardStoreError) {
      return try lookUp(hint, merchant: merchant, in: &transaction)
    } catch {
      guard error == .recordDoesNotOpen else { throw error }
      return nil
    }
  }

  /// The merchant's card, to look at; nil where this merchant has no such token.
  func lookUp(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Known? {
    guard try self.merchant(of: token, in: &transaction) == merchant else { return nil }
    return try knownCard(token, in: &transaction)
  }

  /// The card of a token, to look at.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  func knownCard(
    _ token: Token, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Known? {
    try token.withBytes { (key) throws(CardStoreError) in
      guard let record = try Self.record(key, in: &transaction) else { return nil }
      let header = try Self.header(of: record)
      return Known(
        key: header.keyIdentifier, merchant: header.merchant,
        card: try cipher.open(record, token: token))
    }
  }

  /// The record under the bytes of a token; nil where there is none.
  @_lifetime(&transaction)
  static func record(
    _ key: RawSpan, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> RawSpan? {
    do throws(StorageError) { return try transaction.get(key, in: .cards) } catch {
      throw .store(error)
    }
  }

  /// Whether the merchant has a card under `token` now, as far as is durable. On any thread.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/store(_:)``.
  package static func holds(
    _ token: Token, of merchant: UInt32, in store: Store
  ) throws(CardStoreError) -> Bool {
    try store.read { (transaction) throws(CardStoreError) in
      try token.withBytes { (key) throws(CardStoreError) in
        let record: RawSpan?
        do throws(StorageError) { record = try transaction.get(key, in: .cards) } catch {
          throw .store(error)
        }
        guard let record else { return false }
        return try header(of: record).merchant == merchant
      }
    }
  }

  static func header(of record: RawSpan) throws(CardStoreError) -> CardRecordHeader {
    do { return try CardRecordHeader(of: record) } catch { throw .recordDoesNotOpen }
  }
}
