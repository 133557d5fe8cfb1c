import Bytes
import Cryptography
import Keyring
import RecordFormat
import Storage

/// What a look at a row and at its place found.
enum RowState: Equatable {
  /// It is whole, stands under its own key, and has its entry in the order of expiry.
  case sound
  /// It is whole and stands under its own key, but the order of expiry lacks it: it would stay for ever.
  case unordered
  /// It is whole, and this is its own key: in the one under which it stands a bit has flipped.
  case strayed(from: Digest256)
  /// It is not whole. The key under which it stands `isOwn` where the order of expiry has it too.
  case damaged(isOwn: Bool)
}

extension IdempotencyVerifier {
  /// Keys without a row, of those that end in one millisecond, among which the own key of a row is looked
  /// for, at most.
  private static let mostCandidates = 64

  /// Looks at a row and at its place.
  ///
  /// Each key stands twice in the store: with its row, and after its end in the order of expiry, in
  /// another table and so on another page. Where both have it, no bit of it has flipped, whatever has
  /// become of the row; nor where the order has it after an end that differs from the row's by a bit, which
  /// has flipped there. Where the order has not the key under which a row stands, it may have the row's
  /// own one; that this is it, is proved by the row: its answer opens under no other, and a payment that
  /// runs names it. How many bits differ is not asked, which would be a guess about the damage.
  func state(
    of row: RawSpan, under key: RawSpan, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> RowState {
    guard let end = IdempotencyRow.end(of: row) else { return .damaged(isOwn: false) }
    let isOrdered = try self.isOrdered(key, endingAt: end, in: transaction)
    let parsed = try? IdempotencyRow(of: row)
    if let parsed, let stands = Digest256(key),
      try belongs(row, parsed, under: stands, in: transaction)
    {
      return isOrdered || parsed.state == .running ? .sound : .unordered
    }
    if isOrdered { return .damaged(isOwn: true) }
    if let parsed {
      for candidate in try keysWithoutRow(endingAt: end.bigEndianBytes, in: transaction)
      where try belongs(row, parsed, under: candidate, in: transaction) {
        return .strayed(from: candidate)
      }
    }
    for bit in 0..<UInt64.bitWidth
    where try self.isOrdered(key, endingAt: end ^ 1 << UInt64(bit), in: transaction) {
      return .damaged(isOwn: true)
    }
    return .damaged(isOwn: false)
  }

  /// Whether the order of expiry has this key after this end.
  private func isOrdered(
    _ key: RawSpan, endingAt end: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> Bool {
    let entry = end.bigEndianBytes + key.array
    return try onStore(transaction.contains(entry.rawSpan, in: .idempotencyExpiry))
  }

  /// Whether a row is whole, and its key is this one.
  private func belongs(
    _ row: RawSpan, _ parsed: IdempotencyRow, under key: Digest256,
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> Bool {
    switch parsed.state {
    case .running:
      guard let payment = parsed.payment else { return false }
      let name = PaymentLedger.key(payment)
      guard let owed = try onStore(transaction.get(name.rawSpan, in: .meta)?.array) else {
        return false
      }
      return owed.starts(with: key.bytes)
    case .done(_, let dataKey):
      guard let context = try onCryptography(contexts.cipher(dataKey)) else { return false }
      return (try? IdempotencyRow.openAnswer(row, rowKey: key, cipher: &context.base)) != nil
    }
  }

  /// The keys that the order of expiry has at one millisecond and under which there is no row, the first
  /// ones.
  private func keysWithoutRow(
    endingAt end: [UInt8], in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> [Digest256] {
    var keys: [Digest256] = []
    try transaction.forEach(in: .idempotencyExpiry, from: end.rawSpan) {
      (entry, _) throws(LedgerError) in
      guard entry.starts(with: end), keys.count < Self.mostCandidates else { return false }
      guard let key = Digest256(entry.extracting(end.count...)) else { return true }
      if try !onStore(transaction.contains(key.bytes.rawSpan, in: .idempotency)) {
        keys.append(key)
      }
      return true
    }
    return keys
  }
}
