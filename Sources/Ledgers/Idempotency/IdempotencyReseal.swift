import Bytes
import Cryptography
import RecordFormat
package import Storage

extension IdempotencyLedger {
  /// Seals kept answers that stand under another data key anew, under the active one.
  ///
  /// - Parameters:
  ///   - position: the row key after which to look; nil begins.
  ///   - limit: rows that are looked at.
  /// - Returns: where to go on; nil at the end.
  package func reseal(
    after position: [UInt8]?, limit: Int, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> [UInt8]? {
    var rows: [[UInt8]] = []
    let start = position ?? []
    try transaction.forEach(
      in: .idempotency, from: position == nil ? nil : start.rawSpan
    ) { (key, _) throws(LedgerError) in
      let key = key.array
      if key != start { rows.append(key) }
      return rows.count < limit
    }
    for key in rows {
      guard let rowKey = Digest256(key.rawSpan) else { throw .malformedRow }
      try reseal(rowKey, in: &transaction)
    }
    return rows.count < limit ? nil : rows.last
  }

  private func reseal(
    _ rowKey: Digest256, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    guard let bytes = try bytes(rowKey, in: &transaction) else { return }
    let row = try onRecord(IdempotencyRow(of: bytes.rawSpan))
    guard case .done(let status, let dataKey) = row.state, dataKey != cipher.activeKey else {
      return
    }
    let answer = try cipher.open(bytes, rowKey: rowKey, dataKey: dataKey)
    let moved = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest,
      expiresMilliseconds: row.expiresMilliseconds, payment: row.payment, token: row.token,
      state: .done(status: status, dataKey: cipher.activeKey))
    let sealed = try cipher.seal(answer, of: moved, rowKey: rowKey, isHeld: false)
    try onStore(
      transaction.put(key: rowKey.bytes.rawSpan, value: sealed.rawSpan, in: .idempotency))
  }
}
