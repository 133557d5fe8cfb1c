package import AuditLog
import Bytes
import Cryptography
package import Keyring
package import Ledgers
import RecordFormat
package import Storage
package import VaultCore

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
  package init(readingFrom copy: Store) throws(VaultError) {
    (lastMilliseconds, clockRow) = try copy.read { (transaction) throws(VaultError) in
      var last: Int64?
      try transaction.forEach(in: .audit, reversed: true) { (_, line) throws(VaultError) in
        last = LoggedEntry(line: line)?.timeMilliseconds
        return false
      }
      return (last, try onStore(ClockRow.read(in: transaction)))
    }
    (cards, openPayments) = try copy.read { (transaction) throws(VaultError) in
      let cards = UInt64(try onStore(transaction.count(of: .cards)))
      var payments: [OpenPayment] = []
      for open in try onLedger(PaymentLedger.open(in: transaction)) {
        guard let intent = try transaction.logged(open.intentSequence)?.entry else {
          throw .malformedRow
        }
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
  /// - Parameters:
  ///   - custodians: those whose shares have opened the backup; each gets an entry.
  ///   - reason: why, in an entry of its own: the first has nothing else than `origin`.
  package func begin(
    _ origin: RestoreOrigin, keyring: Keyring, openedBy custodians: [String] = [],
    as identifier: StoreIdentifier, because reason: KeyReason = .none, actor: AuditActor,
    clock: Clock,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let rewrapped = try onKeys(KeyringChange(keyring).keyring())
    try onKeys(KeyringStore.save(rewrapped, for: identifier, in: &transaction))
    var uses = KeyTally(.uses, try onKeys(KeyTally.read(.uses, transaction)))
    uses.add(1, under: rewrapped.keyEncryptionKeyIdentifier)
    try onStore(uses.willCommit(&transaction))
    try BackupRecord.settle(knowing: rewrapped, in: &transaction)
    try transaction.removeRow(AuditLog.frontierKey)
    try onStore(ArchiveMark.remove(in: &transaction))
    let log = AuditLog()
    let now = clock.milliseconds()
    func record(
      _ entry: AuditEntry, in transaction: inout StoreWriteTransaction
    ) throws(VaultError) -> UInt64 {
      try onStore(log.append(entry, atMilliseconds: now, in: &transaction))
    }
    _ = try record(
      AuditEntry(actor: actor, operation: .storeRestore, outcome: .done, reason: origin.text),
      in: &transaction)
    if let words = reason.whole {
      _ = try record(
        AuditEntry(actor: actor, operation: .storeRestore, outcome: .begun, reason: words),
        in: &transaction)
    }
    for custodian in custodians {
      _ = try record(
        AuditEntry(
          actor: actor, operation: .storeRestore, key: keyring.keyEncryptionKeyIdentifier.text,
          outcome: .share, reason: "custodian=\(custodian)"),
        in: &transaction)
    }
    for payment in openPayments {
      let sequence = try record(payment.intent, in: &transaction)
      try transaction.putRow(payment.rowKey + sequence.bigEndianBytes, at: payment.ledgerKey)
    }
    let watch = ClockWatch(clock, lastMilliseconds: lastMilliseconds, row: clockRow)
    try onStore(watch.keepRow(logEndsAt: log.pendingMilliseconds, in: &transaction))
    try onStore(log.batchWillCommit(&transaction))
  }
}
