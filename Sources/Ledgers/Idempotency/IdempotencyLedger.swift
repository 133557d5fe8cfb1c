import Bytes
package import Cards
package import Cryptography
package import Keyring
import RecordFormat
package import Storage

/// Remembers what an idempotency key was answered, for 24 hours and across restarts. What counts is time
/// that has passed, see ``RetentionClock``.
///
/// Neither the client's key nor the request is stored: a row's key and the digest of its request are
/// HMACs under a fingerprint key, and the answer is sealed under a data key. A second table orders the
/// rows by their end: `expires ms(8, big-endian) ‖ row key(32)` → nothing. Confined to the writer
/// thread.
package final class IdempotencyLedger {
  /// How long a key is remembered.
  static let retentionMilliseconds: UInt64 = 86_400_000
  /// Expired rows that one batch removes at most.
  static let rowsPerPurge = 256

  /// A request as the table knows it.
  package struct Row: Sendable {
    package let key: Digest256
    let requestDigest: Digest256
    let digestKey: KeyIdentifier
    /// The same request under fingerprint keys that were replaced, and may have made a row of it.
    var older: [Row] = []
  }

  /// What is kept of an answered request.
  package struct Kept: Sendable {
    /// The HTTP status.
    package let status: UInt16
    package let body: [UInt8]
    package let token: Token?
    package let payment: PaymentIdentifier?
  }

  /// What the table says of a request.
  package enum Finding: Sendable {
    case none
    case running
    case done(Kept)
    case reused
  }

  package let cipher: AnswerCipher
  private let watch: ClockWatch
  var digestKeys: DigestKeys
  private var digestKeysBeforeBatch: DigestKeys
  /// Rows whose place was damaged and that were put right, and of how many of them the log was told.
  var mended = (count: 0, told: 0)
  private var mendedBeforeBatch = (count: 0, told: 0)

  package init(cipher: AnswerCipher, keyring: Keyring, watch: ClockWatch) {
    self.cipher = cipher
    self.watch = watch
    digestKeys = DigestKeys(keyring)
    digestKeysBeforeBatch = digestKeys
  }

  /// Goes on with another keyring of the store.
  package func adopt(_ keyring: Keyring) {
    cipher.adopt(keyring)
    digestKeys.adopt(keyring)
    digestKeysBeforeBatch = digestKeys
  }

  /// What was seen of the batch's rows is so.
  package func batchDidCommit() {
    digestKeysBeforeBatch = digestKeys
    mendedBeforeBatch = mended
  }

  /// What was seen of the batch's rows was not.
  package func batchDidAbort() {
    digestKeys = digestKeysBeforeBatch
    mended = mendedBeforeBatch
  }

  /// How many rows were put right of which the log has not been told; now it is.
  package func takeMended() -> Int {
    defer { mended.told = mended.count }
    return mended.count - mended.told
  }

  /// The row that stands for a request of the merchant's client `actor`, about the card with these
  /// digits.
  package func row(
    for idempotency: Idempotency, actor: String, merchant: UInt32, digits: RawSpan? = nil
  ) throws(LedgerError) -> Row {
    try cipher.row(
      for: idempotency, actor: actor, merchant: merchant, digits: digits,
      older: digestKeys.older)
  }

  /// Looks a request up. One that runs is not forgotten, whatever the clock says: it would be sent
  /// again.
  package func find(
    _ row: Row, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Finding {
    for candidate in [row] + row.older {
      let finding = try findExactly(candidate, in: &transaction)
      if case .none = finding { continue }
      return finding
    }
    return .none
  }

  private func findExactly(
    _ row: Row, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Finding {
    var found = try bytes(row.key, in: &transaction)
    if found == nil { found = try strayedRow(of: row.key, in: transaction) }
    guard let bytes = found else { return .none }
    let stored = try onRecord(IdempotencyRow(of: bytes.rawSpan))
    let isSame = stored.requestDigest.isEqualInConstantTime(to: row.requestDigest)
    switch stored.state {
    case .running: return isSame ? .running : .reused
    case .done(let status, let dataKey):
      // First: only where the answer opens are the end and the digest what was written.
      let body = try cipher.open(bytes, rowKey: row.key, dataKey: dataKey)
      guard !watch.look().remembered.isOver(stored.expiresMilliseconds) else { return .none }
      guard isSame else { return .reused }
      return .done(
        Kept(status: status, body: body, token: stored.token, payment: stored.payment))
    }
  }

  /// Notes that a payment is running.
  package func begin(
    _ row: Row, payment: PaymentIdentifier, token: Token,
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    let running = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest, expiresMilliseconds: expiry,
      payment: payment, token: token)
    try put(running.encodeRunning(), of: running, key: row.key, in: &transaction)
  }

  /// Keeps the answer of a request. A seal was held back for it, and given back just now.
  package func keep(
    _ body: [UInt8], status: UInt16, _ row: Row, token: Token?,
    payment: PaymentIdentifier? = nil, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    let done = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest, expiresMilliseconds: expiry,
      payment: payment, token: token,
      state: .done(status: status, dataKey: cipher.activeKey))
    let sealed = try cipher.seal(body, of: done, rowKey: row.key, isHeld: true)
    try put(sealed, of: done, key: row.key, in: &transaction)
  }

  /// Forgets the key: it may be used again.
  package func free(
    _ row: Row, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    try remove(row.key, in: &transaction)
  }

  /// Gives a row that a former process left running the answer that its payment's outcome is unknown,
  /// with the problem document `body`. One that is damaged stays as it is, and is refused.
  package func closeUnknown(
    rowKey: Digest256, payment: PaymentIdentifier, status: UInt16, body: [UInt8],
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    guard let bytes = try bytes(rowKey, in: &transaction) else { return }
    guard let stored = try? IdempotencyRow(of: bytes.rawSpan), stored.state == .running,
      stored.payment == payment
    else { return }
    let row = Row(
      key: rowKey, requestDigest: stored.requestDigest, digestKey: stored.digestKey)
    try keep(
      body, status: status, row, token: stored.token, payment: payment, in: &transaction)
  }

  /// Removes some of the rows that have expired. The row of a payment that still runs stays, with a
  /// new expiry, so that it stands in nobody's way.
  ///
  /// - Returns: whether there may be more to remove.
  package func purge(
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Bool {
    let moment = watch.look()
    let expired = try due(moment.remembered, in: &transaction)
    for entry in expired {
      let key = Array(entry[8...])
      try onStore(transaction.delete(entry.rawSpan, in: .idempotencyExpiry))
      switch try fate(of: key, at: moment.remembered, in: &transaction) {
      case .removed: try onStore(transaction.delete(key.rawSpan, in: .idempotency))
      case .kept: break
      case .running: try order(key, endingAt: expiry, in: &transaction)
      }
    }
    return expired.count == Self.rowsPerPurge
  }

  /// Entries of the order of expiry that are due: the first ones, and those at its end which were made
  /// when the clock was far ahead.
  private func due(
    _ remembered: RetentionClock.Kept, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> [[UInt8]] {
    var due: [[UInt8]] = []
    func take(_ key: RawSpan) -> Bool {
      guard due.count < Self.rowsPerPurge, key.byteCount == 40,
        remembered.isOver(key.bigEndian(0..<8))
      else { return false }
      let entry = key.array
      // Where the first way has taken every entry, the second one begins with its last.
      guard entry != due.last else { return false }
      due.append(entry)
      return true
    }
    for isReversed in [false, true] {
      try transaction.forEach(in: .idempotencyExpiry, reversed: isReversed) {
        (key, _) throws(LedgerError) in take(key)
      }
    }
    return due
  }

  private enum Fate { case removed, kept, running }

  /// What becomes of a row whose entry in the order of expiry is due, and removed. It may have been written
  /// anew since, under an entry of its own. One of which no entry says that, is over: the end that it names
  /// is damaged.
  private func fate(
    of key: [UInt8], at remembered: RetentionClock.Kept,
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Fate {
    guard let bytes = try row(at: key.rawSpan, in: &transaction) else { return .removed }
    if (try? IdempotencyRow(of: bytes.rawSpan))?.state == .running { return .running }
    guard let end = IdempotencyRow.end(of: bytes.rawSpan), !remembered.isOver(end) else {
      return .removed
    }
    let state = try verifier.state(of: bytes.rawSpan, under: key.rawSpan, in: transaction)
    return state == .damaged(isOwn: false) ? .removed : .kept
  }

  private var expiry: UInt64 {
    let (sum, isTooLarge) = watch.look().milliseconds.addingReportingOverflow(
      Self.retentionMilliseconds)
    return isTooLarge ? .max : sum
  }

  func bytes(
    _ key: Digest256, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> [UInt8]? {
    try key.withBytes { key throws(LedgerError) in try row(at: key, in: &transaction) }
  }

  func row(
    at key: RawSpan, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> [UInt8]? {
    do { return try transaction.get(key, in: .idempotency)?.array } catch { throw .store(error) }
  }

  private func put(
    _ bytes: [UInt8], of row: IdempotencyRow, key: Digest256,
    in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    try remove(key, in: &transaction)
    try onStore(
      transaction.put(key: key.bytes.rawSpan, value: bytes.rawSpan, in: .idempotency))
    try order(key.bytes, endingAt: row.expiresMilliseconds, in: &transaction)
    digestKeys.meet(row)
  }

  /// Enters a key into the order of expiry.
  func order(
    _ key: [UInt8], endingAt end: UInt64, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    let entry = end.bigEndianBytes + key
    try onStore(
      transaction.put(key: entry.rawSpan, value: [UInt8]().rawSpan, in: .idempotencyExpiry))
  }

  /// Removes the row of a key. Whose it is, is known: one that was damaged while its payment ran does not
  /// stand in the way of the outcome.
  private func remove(
    _ key: Digest256, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    var found = try bytes(key, in: &transaction)
    if found == nil, try mendPlace(of: key, in: &transaction) {
      found = try bytes(key, in: &transaction)
    }
    guard let found else { return }
    try delete(found, at: key.bytes, in: &transaction)
  }
}
