import Bytes
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import VaultCore
@testable import VaultManagement

/// Kept answers, looked at and damaged where they lie.
extension TestVault {
  func keys(of table: Table) throws -> [[UInt8]] {
    try store.read { (transaction) throws(StorageError) in
      var keys: [[UInt8]] = []
      try transaction.forEach(in: table) { (key, _) throws(StorageError) in
        keys.append(key.array)
        return true
      }
      return keys
    }
  }

  /// The key of the only row.
  func onlyRow() throws -> [UInt8] {
    let keys = try keys(of: .idempotency)
    #expect(keys.count == 1)
    return try #require(keys.first)
  }

  /// Changes a row, with its key, as a disk would: nothing else knows of it.
  func changeRow(
    _ key: [UInt8], _ body: (_ key: inout [UInt8], _ row: inout [UInt8]) -> Void
  ) throws {
    var (changedKey, row) = (
      key, try store.read { try $0.get(key.rawSpan, in: .idempotency)?.array } ?? []
    )
    body(&changedKey, &row)
    let (newKey, newRow) = (changedKey, row)
    try store.perform { transaction in
      try transaction.delete(key.rawSpan, in: .idempotency)
      try transaction.put(key: newKey.rawSpan, value: newRow.rawSpan, in: .idempotency)
    }
  }

  /// Whether one look at the rows goes through to their end, or goes on later.
  var isPassUnderWay: Bool {
    get throws { try vault.vault.opened().session.idempotency.digestKeys.position != nil }
  }

  /// Puts a row back to its own key, as a request beside it does.
  func mendRow(_ key: [UInt8]) throws -> Int {
    let session = try vault.vault.opened().session
    return try store.perform { (transaction) throws(LedgerError) in
      try session.idempotency.mend([RowKey(key.rawSpan)], in: &transaction)
    }
  }
}
