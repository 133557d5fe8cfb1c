internal import Bytes
package import RecordFormat
package import Storage

/// What a ceremony has laid down for its shares, beside who holds them.
///
/// Row `custody-rules` of the table `keyring`: `version(1) = 1 ‖ KEK id(4, big-endian) ‖ rules(1)`, of whose
/// bits only the lowest is one: shares come from different accounts. A ceremony of before there were rules
/// has left none, or the one of a KEK before.
package struct CustodyRules: Equatable, Sendable {
  private static let rowKey: [UInt8] = Array("custody-rules".utf8)
  private static let version: UInt8 = 1

  /// Whether two shares of one account count as one for an opening or a replacement.
  package let distinctAccounts: Bool

  /// Lays rules down.
  package init(distinctAccounts: Bool) { self.distinctAccounts = distinctAccounts }

  /// The rules of the ceremony that has made the shares of `key`.
  ///
  /// - Throws: ``CustodyProblem/malformedSet``, `StorageError`.
  package static func read(
    of key: KeyIdentifier, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(KeyringError) -> CustodyRules {
    guard let row = try onStore(transaction.get(rowKey.rawSpan, in: .keyring)?.array) else {
      return CustodyRules(distinctAccounts: false)
    }
    guard row.count == 6, row[0] == version, row[5] <= 1 else { throw .custody(.malformedSet) }
    let isOfKey = KeyIdentifier(UInt32(row.rawSpan.bigEndian(1..<5))) == key
    return CustodyRules(distinctAccounts: isOfKey && row[5] == 1)
  }

  /// Writes the rules of the shares of `key` in the place of those before.
  package func save(
    for key: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let row = [Self.version] + key.value.bigEndianBytes + [distinctAccounts ? 1 : 0]
    try transaction.put(key: Self.rowKey.rawSpan, value: row.rawSpan, in: .keyring)
  }

  /// Removes them: the KEK has no custodians any more.
  package static func remove(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.delete(rowKey.rawSpan, in: .keyring)
  }
}
