import AuditLog
internal import Bytes
import Cryptography
package import Keyring
import RecordFormat
package import Storage

/// What of a backup does not go into a restored store as it is, taken from the backup before.
package struct RestoredStore {
  /// The tables that belong to the log before: it stays in the backup.
  package static let tablesLeftBehind: Set<Table> = [.audit, .leaves, .checkpoints]

  /// Cards in the backup.
  package let cards: UInt64
  private let openPayments: [OpenPayment]
  /// The time of the log's last entry in the backup, and what it says of the clocks.
  private let lastMilliseconds: Int64?
  private let clockRow: ClockRow?

  private struct OpenPayment {
    let ledgerKey: [UInt8]
    let rowKey: [UInt8]
    let intent: AuditEntry
  }

  /// Reads `copy`, a backup.
  ///
  /// - Throws: ``VaultError/malformedRow``, `StorageError`.
  package init(readingFrom copy: Store) throws {
    (lastMilliseconds, clockRow) = try copy.read { transaction in
      var last: Int64?
      try transaction.forEach(in: .audit, reversed: true) { _, line in
        last = LoggedEntry(line: line)?.timeMilliseconds
        return false
      }
      return (last, try ClockRow.read(in: transaction))
    }
    (cards, openPayments) = try copy.read { transaction in
      let cards = UInt64(try transaction.count(of: .cards))
      var payments: [OpenPayment] = []
      for open in try PaymentLedger.open(in: transaction) {
        let sequence = open.intentSequence.bigEndianBytes
        guard let line = try transaction.get(sequence.rawSpan, in: .audit),
          let intent = LoggedEntry(line: line)?.entry
        else { throw VaultError.malformedRow }
        payments.append(
          OpenPayment(
            ledgerKey: PaymentLedger.key(open.identifier), rowKey: open.rowKey.bytes,
            intent: intent))
      }
      return (cards, payments)
    }
  }

  /// Makes of the contents of a backup, without ``tablesLeftBehind``, those of the store
  /// `identifier`: wraps the keyring for it, and begins its log with the entry that names `origin`.
  ///
  /// Records, fingerprints and stored answers are bound to keys and not to the store, so they go on
  /// as they are. Intents without an outcome are told again in the new log, so that the next start
  /// gives each its outcome `unknown`. The time since the backup has not been waited by its idempotency
  /// rows: they go on from where they were.
  ///
  /// - Parameter custodians: those whose shares have opened the backup; each gets an entry.
  package func begin(
    _ origin: RestoreOrigin, keyring: Keyring, openedBy custodians: [String] = [],
    as identifier: StoreIdentifier, actor: String, clock: Clock,
    in transaction: inout StoreWriteTransaction
  ) throws {
    let rewrapped = try KeyringChange(keyring).keyring()
    try KeyringStore.save(rewrapped, for: identifier, in: &transaction)
    var uses = KeyTally(.uses, try KeyTally.read(.uses, transaction))
    uses.add(1, under: rewrapped.keyEncryptionKeyIdentifier)
    try uses.willCommit(&transaction)
    try BackupRecord.settle(knowing: rewrapped, in: &transaction)

    let frontier = AuditLog.frontierKey
    try transaction.delete(frontier.rawSpan, in: .meta)
    try ArchiveMark.remove(in: &transaction)
    let log = AuditLog()
    let now = clock.milliseconds()
    try log.append(
      AuditEntry(
        actor: actor, operation: AuditWord.Operation.storeRestore,
        outcome: AuditWord.Outcome.done, reason: origin.text),
      atMilliseconds: now, in: &transaction)
    for custodian in custodians {
      try log.append(
        AuditEntry(
          actor: actor, operation: AuditWord.Operation.storeRestore,
          key: keyring.keyEncryptionKeyIdentifier.text, outcome: AuditWord.Outcome.share,
          reason: "custodian=\(custodian)"),
        atMilliseconds: now, in: &transaction)
    }
    for payment in openPayments {
      let sequence = try log.append(payment.intent, atMilliseconds: now, in: &transaction)
      let value = payment.rowKey + sequence.bigEndianBytes
      try transaction.put(key: payment.ledgerKey.rawSpan, value: value.rawSpan, in: .meta)
    }
    let watch = ClockWatch(clock, lastMilliseconds: lastMilliseconds, row: clockRow)
    try watch.keepRow(logEndsAt: log.pendingMilliseconds, in: &transaction)
    try log.batchWillCommit(&transaction)
  }
}
