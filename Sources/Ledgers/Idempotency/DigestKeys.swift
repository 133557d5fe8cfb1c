import Bytes
import Keyring
import RecordFormat
package import Storage

/// Which fingerprint keys that were replaced may have made an idempotency row that is still there.
///
/// At first each whose secret is there may have. Then the table is gone through, a piece at a time and
/// again and again: one of which a whole pass met no row is dismissed. That is for good: a replaced key
/// makes no row for a new request, and a row that one has made keeps its place in the table until it is
/// removed, so that a pass which began after the replacement meets it. What is put back to its own place
/// or written for a payment that ran meanwhile is met by that. So in a store where nobody has rotated for a
/// day, there is nothing to look up but under the key in force.
///
/// A row may be damaged so that it does not say whose it is. Any key may have made it, and a pass that met
/// such a row dismisses none.
///
/// An example: key A has made a row at 09:00, and is replaced by B at 10:00. A retry at 11:00 is looked up
/// under B, and then under A, where it is found. Passes over the table, each of some seconds, meet the
/// row until it goes, on the next day at 09:00. The first pass that begins after that meets none of
/// A's, and A is dismissed: from 09:01 on everything is looked up under B alone.
struct DigestKeys {
  /// Those that may have, the newest first.
  private(set) var older: [KeyIdentifier] = []
  /// The row key after which the pass goes on; nil begins one.
  private(set) var position: [UInt8]?

  /// Those of which the pass has not met a row yet.
  private var unmet: Set<KeyIdentifier> = []
  private var dismissed: Set<KeyIdentifier> = []
  /// Every fingerprint key whose secret is there.
  private var known: Set<KeyIdentifier> = []

  init(_ keyring: Keyring) {
    adopt(keyring)
    unmet = Set(older)
  }

  /// Goes on with another keyring of the store.
  mutating func adopt(_ keyring: Keyring) {
    let replaced = keyring.replacedFingerprintKeys
    known = Set(replaced + [keyring.activeFingerprintKey.identifier])
    older = replaced.filter { !dismissed.contains($0) }
  }

  /// The pass has met a row, or one is written where it may have been already; nil for one that cannot be
  /// read.
  mutating func meet(_ row: IdempotencyRow?) {
    if let row, known.contains(row.digestKey) {
      unmet.remove(row.digestKey)
    } else {
      unmet = []
    }
  }

  /// The pass goes on after this row key.
  mutating func pause(after rowKey: [UInt8]) { position = rowKey }

  /// The pass has met every row.
  mutating func endPass() {
    dismissed.formUnion(unmet)
    older.removeAll { unmet.contains($0) }
    unmet = Set(older)
    position = nil
  }
}

extension IdempotencyLedger {
  /// Rows that one look goes through at most.
  private static let rowsPerLook = 4_096

  /// Goes through some of the rows where a key before the present one may have made one of them.
  package func lookForOlderKeys(
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    guard !digestKeys.older.isEmpty else { return }
    let start = digestKeys.position ?? []
    var last: [UInt8] = []
    var looked = 0
    // A key that was looked at before is looked at again, which does no harm.
    try transaction.forEach(
      in: .idempotency, from: start.isEmpty ? nil : start.rawSpan
    ) { (key, bytes) throws(LedgerError) in
      looked += 1
      last = key.array
      digestKeys.meet(try? IdempotencyRow(of: bytes))
      return looked < Self.rowsPerLook
    }
    if looked < Self.rowsPerLook {
      digestKeys.endPass()
    } else {
      digestKeys.pause(after: last)
    }
  }
}
