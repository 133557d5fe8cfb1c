internal import Bytes
package import Cryptography
internal import Keyring
package import RecordFormat
package import Storage

/// Why a row that was named is not removed as a damaged one.
package enum RowObstacle: Equatable, Sendable {
  /// There is none under this key.
  case absent
  /// It opens, or does under its own key: its place is mended, and it counts.
  case opens
  /// The key that it names is not in the keyring, although cards are counted under it: the key is what is
  /// missing, and a keyring that has it opens the row.
  case keyMissing(KeyIdentifier)
  /// It may be the row of a payment that has no outcome yet, and whose own row is not found.
  case paymentUnderWay
}

/// Rows that are damaged: those whose place can be mended, and those that somebody wants to be rid of.
extension IdempotencyLedger {
  var verifier: IdempotencyVerifier { IdempotencyVerifier(cipher.contexts) }

  /// Rows that have strayed and stand together, at most.
  private static let mostStrayed = 64

  /// What stands beside the place of a key under which there is no row.
  private struct Surroundings {
    /// The row of this key, under another one in which a bit has flipped.
    var own: [UInt8]?
    /// The keys under which rows stand that have strayed.
    var strayed: [[UInt8]] = []
    /// Whether one stands beside it of which not even the own key is known.
    var isUnknown = false
  }

  /// The row of a key under which there is none: in the key of one beside its place a bit may have flipped,
  /// and its request would be sent again. Nil where it has none anywhere. Nothing is changed for that, so
  /// that who is refused then has an entry.
  ///
  /// A row beside it that is damaged otherwise is passed where it stands under its own key. Where not even
  /// that is known, each key whose place is beside it is refused: it may be the one, and a new row there
  /// would hide it from its own request.
  ///
  /// - Throws: ``LedgerError/malformedRow``, until that is removed (`store remove-damaged`).
  func strayedRow(
    of key: Digest256, in transaction: borrowing StoreWriteTransaction
  ) throws(LedgerError) -> [UInt8]? {
    let found = try surroundings(of: key, in: transaction)
    guard !found.isUnknown || found.own != nil else { throw .malformedRow }
    return found.own
  }

  /// Puts rows that have strayed to the place of a key back to their own. Before one is written there,
  /// which would hide them; and before a payment has its outcome, which is what proves where the row of one
  /// that runs belongs.
  ///
  /// - Returns: whether there was any.
  @discardableResult
  package func mendPlace(
    of key: Digest256, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Bool {
    let strayed = try surroundings(of: key, in: transaction).strayed
    for key in strayed { _ = try mend(key, in: &transaction) }
    return !strayed.isEmpty
  }

  /// Looks both ways up to a row that stands under its own key: none that has strayed is beyond it, since
  /// the keys of a page stand in order.
  private func surroundings(
    of key: Digest256, in transaction: borrowing StoreWriteTransaction
  ) throws(LedgerError) -> Surroundings {
    var found = Surroundings()
    let verifier = verifier
    let start = key.bytes
    for isReversed in [false, true] {
      try transaction.forEach(in: .idempotency, from: start.rawSpan, reversed: isReversed) {
        (place, row) throws(LedgerError) in
        switch try verifier.state(of: row, under: place, in: transaction) {
        case .sound, .unordered, .damaged(isOwn: true): return false
        case .strayed(let own):
          found.strayed.append(place.array)
          if own.bytes == start { found.own = row.array }
        case .damaged(isOwn: false): found.isUnknown = true
        }
        found.isUnknown = found.isUnknown || found.strayed.count >= Self.mostStrayed
        return !found.isUnknown
      }
    }
    return found
  }

  /// Puts rows right that are whole, and of which only the place is damaged.
  ///
  /// - Returns: how many were.
  @discardableResult
  package func mend(
    _ rows: [RowKey], in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Int {
    var count = 0
    for row in rows where try mend(row.bytes, in: &transaction) != nil { count += 1 }
    return count
  }

  /// Puts a row right that is whole, and of which only the place is damaged: under its own key, and into
  /// the order of expiry.
  ///
  /// - Returns: its key then; nil where there was nothing to do, or nothing can be done.
  func mend(
    _ key: [UInt8], in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> Digest256? {
    guard let row = try row(at: key.rawSpan, in: &transaction) else { return nil }
    let home: Digest256
    switch try verifier.state(of: row.rawSpan, under: key.rawSpan, in: transaction) {
    case .sound, .damaged: return nil
    case .unordered:
      guard let end = IdempotencyRow.end(of: row.rawSpan), let own = Digest256(key.rawSpan) else {
        return nil
      }
      try order(own.bytes, endingAt: end, in: &transaction)
      home = own
    case .strayed(let own):
      try onStore(transaction.delete(key.rawSpan, in: .idempotency))
      try onStore(
        transaction.put(key: own.bytes.rawSpan, value: row.rawSpan, in: .idempotency))
      // It may have gone from where the pass over the table has yet to come to where it has been.
      digestKeys.meet(try? IdempotencyRow(of: row.rawSpan))
      home = own
    }
    mended.count += 1
    return home
  }

  /// What stands in the way of removing a row; nil where it is damaged, and nothing mends it.
  package func obstacle(
    toRemoving key: RowKey, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) -> RowObstacle? {
    guard let row = try row(at: key.bytes.rawSpan, in: &transaction) else { return .absent }
    guard
      case .damaged = try verifier.state(
        of: row.rawSpan, under: key.bytes.rawSpan, in: transaction)
    else { return .opens }
    if let named = try missingKey(of: row, in: transaction) { return .keyMissing(named) }
    // A payment that runs and has lost its row would be sent again.
    for open in try PaymentLedger.open(in: transaction) {
      guard let own = try bytes(open.rowKey, in: &transaction),
        try verifier.isSound(own.rawSpan, under: open.rowKey.bytes.rawSpan, in: transaction)
      else { return .paymentUnderWay }
    }
    return nil
  }

  /// The data key that a row names and that the keyring lacks, although cards are counted under it.
  private func missingKey(
    of row: [UInt8], in transaction: borrowing StoreWriteTransaction
  ) throws(LedgerError) -> KeyIdentifier? {
    guard case .done(_, let named)? = (try? IdempotencyRow(of: row.rawSpan))?.state,
      cipher.contexts.keyring.entry(named) == nil
    else { return nil }
    let cards: [KeyIdentifier: UInt64]
    do throws(KeyringError) { cards = try KeyTally.read(.cards, transaction) } catch {
      throw .keyring(error)
    }
    return cards[named] ?? 0 > 0 ? named : nil
  }

  /// Removes a row that is damaged, with its entry in the order of expiry. Where its end is damaged too,
  /// the entry is left, leads nowhere, and goes when it is due.
  ///
  /// - Parameter key: that of a row for which ``obstacle(toRemoving:in:)`` is nil.
  package func removeDamaged(
    _ key: RowKey, in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    guard let row = try row(at: key.bytes.rawSpan, in: &transaction) else { return }
    try delete(row, at: key.bytes, in: &transaction)
  }

  /// Removes a row, which may be damaged, with the entry in the order of expiry that its end names.
  func delete(
    _ row: [UInt8], at key: [UInt8], in transaction: inout StoreWriteTransaction
  ) throws(LedgerError) {
    if let end = IdempotencyRow.end(of: row.rawSpan) {
      let entry = end.bigEndianBytes + key
      try onStore(transaction.delete(entry.rawSpan, in: .idempotencyExpiry))
    }
    try onStore(transaction.delete(key.rawSpan, in: .idempotency))
  }
}
