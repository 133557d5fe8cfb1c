import Bytes
import Cryptography
import RecordFormat
package import Storage

/// What one piece of the re-encryption of kept answers came to.
package struct ResealStep: Equatable, Sendable {
  /// Rows that do not open, and stay as they are.
  package var damaged = 0
  /// The last row that was looked at; nil where the end was reached.
  package var position: [UInt8]?
}

extension IdempotencyLedger {
  /// Seals kept answers that stand under another data key anew, under the active one. A row that was only
  /// in the wrong place is put back; one that does not open stays.
  ///
  /// - Parameters:
  ///   - position: the row key after which to look; nil begins.
  ///   - limit: rows that are looked at.
  package func reseal(
    after position: [UInt8]?, limit: Int, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> ResealStep {
    var rows: [[UInt8]] = []
    let start = position ?? []
    try transaction.forEach(
      in: .idempotency, from: position == nil ? nil : start.rawSpan
    ) { (key, _) throws(LedgerError) in
      let key = key.array
      if key != start { rows.append(key) }
      return rows.count < limit
    }
    var step = ResealStep(position: rows.count < limit ? nil : rows.last)
    for key in rows where try !reseal(key, in: &transaction) { step.damaged += 1 }
    return step
  }

  /// Seals an answer anew that stands under another data key; false where it does not open.
  private func reseal(
    _ key: [UInt8], in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Bool {
    guard let bytes = try row(at: key.rawSpan, in: &transaction) else { return true }
    guard let rowKey = Digest256(key.rawSpan), let row = try? IdempotencyRow(of: bytes.rawSpan)
    else { return false }
    guard case .done(let status, let dataKey) = row.state, dataKey != cipher.activeKey else {
      return true
    }
    let answer: [UInt8]
    do throws(LedgerError) {
      answer = try cipher.open(bytes, rowKey: rowKey, dataKey: dataKey)
    } catch {
      switch error {
      case .record(.authenticationFailed), .unknownKey: break
      default: throw error
      }
      guard let own = try mend(key, in: &transaction) else { return false }
      return try reseal(own.bytes, in: &transaction)
    }
    let moved = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest,
      expiresMilliseconds: row.expiresMilliseconds, payment: row.payment, token: row.token,
      state: .done(status: status, dataKey: cipher.activeKey))
    let sealed = try cipher.seal(answer, of: moved, rowKey: rowKey, isHeld: false)
    try onStore(
      transaction.put(key: rowKey.bytes.rawSpan, value: sealed.rawSpan, in: .idempotency))
    return true
  }
}
