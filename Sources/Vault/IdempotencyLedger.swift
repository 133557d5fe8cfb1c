import Cards
import Cryptography
import RecordFormat
import SecretMemory
import Storage

/// Remembers what an idempotency key was answered, for 24 hours and across restarts.
///
/// Neither the client's key nor the request is stored: a row's key and the digest of its request are
/// HMACs under a fingerprint key, and the answer is sealed under a data key. A second table orders the
/// rows by their end: `expires ms(8, big-endian) ‖ row key(32)` → nothing. Confined to the writer
/// thread.
final class IdempotencyLedger {
  /// How long a key is remembered.
  static let retentionMilliseconds: UInt64 = 86_400_000
  /// Expired rows that one batch removes at most.
  static let rowsPerPurge = 256

  /// A request as the table knows it.
  struct Row: Sendable {
    let key: Digest256
    let requestDigest: Digest256
    let digestKey: KeyIdentifier
    /// The same request under fingerprint keys that were replaced not long ago.
    var older: [Row] = []
  }

  /// What is kept of an answered request.
  struct Kept: Sendable {
    let answer: Answer
    let token: Token?
    let payment: PaymentIdentifier?
  }

  /// What the table says of a request.
  enum Finding: Sendable {
    case none
    case running
    case done(Kept)
    case reused
  }

  let cipher: AnswerCipher
  private let clock: Clock

  init(cipher: AnswerCipher, clock: Clock) {
    self.cipher = cipher
    self.clock = clock
  }

  /// The row that stands for a request of the merchant's client `actor`, about the card with these
  /// digits.
  func row(
    for idempotency: Idempotency, actor: String, merchant: UInt32, digits: RawSpan? = nil
  ) throws -> Row {
    try cipher.row(
      for: idempotency, actor: actor, merchant: merchant, digits: digits,
      rowsSince: now - min(now, Self.retentionMilliseconds))
  }

  /// Looks a request up. One that runs is not forgotten, whatever the clock says: it would be sent
  /// again.
  func find(_ row: Row, in transaction: inout StoreWriteTransaction) throws -> Finding {
    for candidate in [row] + row.older {
      let finding = try findExactly(candidate, in: &transaction)
      if case .none = finding { continue }
      return finding
    }
    return .none
  }

  private func findExactly(
    _ row: Row, in transaction: inout StoreWriteTransaction
  ) throws -> Finding {
    guard let bytes = try bytes(row.key, in: &transaction) else { return .none }
    let stored = try IdempotencyRow(of: bytes.rawSpan)
    guard stored.state == .running || stored.expiresMilliseconds > now else { return .none }
    guard stored.requestDigest.isEqualInConstantTime(to: row.requestDigest) else { return .reused }
    switch stored.state {
    case .running: return .running
    case .done(let status, let dataKey):
      let body = try cipher.open(bytes, rowKey: row.key, dataKey: dataKey)
      return .done(
        Kept(
          answer: Answer(status: status, body: body), token: stored.token,
          payment: stored.payment))
    }
  }

  /// Notes that a payment is running.
  func begin(
    _ row: Row, payment: PaymentIdentifier, token: Token,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let running = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest, expiresMilliseconds: expiry,
      payment: payment, token: token)
    try put(running.encodeRunning(), of: running, key: row.key, in: &transaction)
  }

  /// Keeps the answer of a request. A seal was held back for it, and given back just now.
  func keep(
    _ answer: Answer, _ row: Row, token: Token?, payment: PaymentIdentifier? = nil,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let done = IdempotencyRow(
      digestKey: row.digestKey, requestDigest: row.requestDigest, expiresMilliseconds: expiry,
      payment: payment, token: token,
      state: .done(status: answer.status, dataKey: cipher.activeKey))
    let sealed = try cipher.seal(answer.body, of: done, rowKey: row.key, isHeld: true)
    try put(sealed, of: done, key: row.key, in: &transaction)
  }

  /// Forgets the key: it may be used again.
  func free(_ row: Row, in transaction: inout StoreWriteTransaction) throws {
    try remove(row.key, in: &transaction)
  }

  /// Gives a row that a former process left running the answer that its payment's outcome is unknown.
  func closeUnknown(
    rowKey: Digest256, payment: PaymentIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    guard let bytes = try bytes(rowKey, in: &transaction) else { return }
    let stored = try IdempotencyRow(of: bytes.rawSpan)
    guard stored.state == .running, stored.payment == payment else { return }
    let row = Row(
      key: rowKey, requestDigest: stored.requestDigest, digestKey: stored.digestKey)
    try keep(
      Answer(Problem(.outcomeUnknown, paymentIdentifier: payment.text)), row,
      token: stored.token, payment: payment, in: &transaction)
  }

  /// Removes some of the rows that have expired. The row of a payment that still runs stays, with a
  /// new expiry, so that it stands in nobody's way.
  ///
  /// - Returns: whether there may be more to remove.
  func purge(in transaction: inout StoreWriteTransaction) throws -> Bool {
    var expired: [[UInt8]] = []
    let now = now
    try transaction.forEach(in: .idempotencyExpiry) { key, _ in
      guard key.byteCount == 40, unsafe key.unsafeLoadUnaligned(as: UInt64.self).bigEndian <= now
      else { return false }
      expired.append([UInt8](copying: key))
      return expired.count < Self.rowsPerPurge
    }
    for entry in expired {
      let key = Array(entry[8...])
      try transaction.delete(entry.rawSpan, in: .idempotencyExpiry)
      switch try fate(of: key, at: now, in: &transaction) {
      case .removed: try transaction.delete(key.rawSpan, in: .idempotency)
      case .kept: break
      case .running:
        let later = expiry.bigEndianBytes + key
        try transaction.put(
          key: later.rawSpan, value: [UInt8]().rawSpan, in: .idempotencyExpiry)
      }
    }
    return expired.count == Self.rowsPerPurge
  }

  private enum Fate { case removed, kept, running }

  /// What becomes of a row whose entry in the order of expiry is due. It may have been written anew
  /// since, under an entry of its own.
  private func fate(
    of key: [UInt8], at now: UInt64, in transaction: inout StoreWriteTransaction
  ) throws -> Fate {
    guard let bytes = try transaction.get(key.rawSpan, in: .idempotency),
      let row = try? IdempotencyRow(of: bytes)
    else { return .removed }
    if row.state == .running { return .running }
    return row.expiresMilliseconds <= now ? .removed : .kept
  }

  private var now: UInt64 { UInt64(clamping: clock.milliseconds()) }
  private var expiry: UInt64 { now + Self.retentionMilliseconds }

  func bytes(
    _ key: Digest256, in transaction: inout StoreWriteTransaction
  ) throws -> [UInt8]? {
    try key.withBytes { key in
      guard let row = try transaction.get(key, in: .idempotency) else { return nil }
      return [UInt8](copying: row)
    }
  }

  private func put(
    _ bytes: [UInt8], of row: IdempotencyRow, key: Digest256,
    in transaction: inout StoreWriteTransaction
  ) throws {
    try remove(key, in: &transaction)
    try transaction.put(key: key.bytes.rawSpan, value: bytes.rawSpan, in: .idempotency)
    let order = row.expiresMilliseconds.bigEndianBytes + key.bytes
    try transaction.put(
      key: order.rawSpan, value: [UInt8]().rawSpan, in: .idempotencyExpiry)
  }

  private func remove(
    _ key: Digest256, in transaction: inout StoreWriteTransaction
  ) throws {
    guard let bytes = try bytes(key, in: &transaction) else { return }
    let order = try IdempotencyRow(of: bytes.rawSpan).expiresMilliseconds.bigEndianBytes + key.bytes
    try transaction.delete(order.rawSpan, in: .idempotencyExpiry)
    try transaction.delete(key.bytes.rawSpan, in: .idempotency)
  }
}
