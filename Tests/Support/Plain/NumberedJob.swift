import Bytes
package import Storage

/// Jobs that a test and a child process know alike: each changes rows of several tables, which are there
/// together or not at all.
package enum NumberedJob {
  /// A row that a job puts; what it removes has no value.
  package struct Change: Sendable {
    package let table: Table
    /// Its number; the row's key is its big-endian bytes, so that they sort alike.
    package let key: Int
    package let value: [UInt8]?
    fileprivate var isAppended = false
  }

  /// Where the row of a job stands in `audit` that no other job changes.
  package static func mark(of number: Int) -> Int { number * 7_919 % 30_000 }

  /// What the job changes: some rows are appended, some lie apart. A page each or less, as the store expects.
  package static func changes(of number: Int) -> [Change] {
    func value(_ count: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
    }
    var changes = [
      Change(table: .cards, key: number, value: value(161), isAppended: true),
      Change(table: .audit, key: mark(of: number), value: value(100 + number % 1_400)),
      Change(table: .idempotency, key: number % 7, value: value(1 + number % 50)),
    ]
    if number % 5 == 4 { changes.append(Change(table: .cards, key: number - 2, value: nil)) }
    return changes
  }

  /// One in eleven may use the reserve.
  package static func admission(of number: Int) -> Admission {
    number % 11 == 0 ? .reserved : .ordinary
  }

  /// Makes the changes of a job.
  package static func apply(
    _ number: Int, to transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    for change in changes(of: number) {
      let key = (0..<8).map { UInt8(truncatingIfNeeded: change.key >> (56 - 8 * $0)) }
      guard let value = change.value else {
        try transaction.delete(key.rawSpan, in: change.table)
        continue
      }
      if change.isAppended {
        try transaction.append(key: key.rawSpan, value: value.rawSpan, in: change.table)
      } else {
        try transaction.put(key: key.rawSpan, value: value.rawSpan, in: change.table)
      }
    }
  }
}
