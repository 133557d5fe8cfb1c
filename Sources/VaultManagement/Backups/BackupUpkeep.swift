package import AuditLog
import Bytes
import Cryptography
package import Keyring
import Ledgers
package import RecordFormat
package import Storage
package import VaultCore

extension StoreUpkeep {
  /// How many backups may be on record that are not forgotten.
  package static let mostBackups = 4_096
  /// How many forgotten ones stay on record; older ones are told of by the audit log alone.
  package static let mostForgotten = 1_024

  /// Puts a backup on record, before there is anything of it: one that exists and is on no record
  /// would let a key be destroyed that it needs.
  ///
  /// Until it is finished it counts as needing every key: one that is made while the copy is, and
  /// replaced before its end, would be on no list that is taken now or then.
  ///
  /// - Parameter actor: who asks, as entries name them.
  /// - Throws: ``VaultError/tooManyBackups``, `KeyringError`, `StorageError`.
  package func beginBackup(
    to path: String, note: FreeText, because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) -> BackupRecord {
    try write { [now] (transaction) throws(VaultError) in
      let others = try BackupRecord.all(in: transaction)
      let forgotten = others.filter { $0.state == .forgotten }
      guard others.count - forgotten.count < Self.mostBackups else {
        throw .tooManyBackups
      }
      for old in forgotten.dropLast(Self.mostForgotten - 1) { try old.remove(in: &transaction) }
      guard let header = try onKeys(KeyringStore.header(in: transaction)) else {
        throw .keyring(.noKeyring)
      }
      let record = BackupRecord(
        try onKeys(KeyIdentifier.fresh(besides: others.map(\.identifier))),
        beganMilliseconds: now,
        log: try BackupRecord.Log.read(in: transaction), keyEncryptionKey: header.kekIdentifier,
        keys: nil, path: path, actor: actor.name, note: note.text)
      try record.save(in: &transaction)
      return (record, record.entry(.begun, by: actor, words: reason.words))
    }
  }

  /// Puts what is known of the file on record, as it was read from it.
  ///
  /// - Parameters:
  ///   - keyring: the copy's own, which says what keys the backup needs; nil where it was not
  ///     opened: it needs every key.
  ///   - isVerified: false leaves the backup unfinished.
  /// - Returns: the record.
  package func finishBackup(
    _ backup: BackupRecord, keyring: Keyring?, isVerified: Bool, actor: AuditActor
  ) throws(VaultError) -> BackupRecord {
    var record = backup
    record.state = isVerified ? .kept : .unfinished
    record.keys = isVerified ? keyring?.identifiersOfSecrets : nil
    return try write { [finished = record] (transaction) throws(VaultError) in
      try finished.save(in: &transaction)
      return (finished, finished.entry(isVerified ? .done : .changed, by: actor))
    }
  }

  /// Takes a backup off the record of which no file was left.
  package func dropBackup(
    _ backup: BackupRecord, after error: VaultError, actor: AuditActor
  ) throws(VaultError) {
    try write { (transaction) throws(VaultError) in
      try backup.remove(in: &transaction)
      return ((), backup.entry(Self.outcome(of: error), by: actor))
    }
  }

  /// Notes that the file of a backup, and every copy of it, is destroyed: it needs no key any more.
  ///
  /// - Parameter reason: why it is believed, for the entry, where it stands last.
  /// - Throws: ``VaultError/unknownBackup(_:)``, ``VaultError/backupForgotten(_:)``, `StorageError`.
  package func forgetBackup(
    _ identifier: KeyIdentifier, because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) -> BackupRecord {
    try exclusively { () throws(VaultError) in
      try write { (transaction) throws(VaultError) in
        try BackupRecord.forget(
          identifier, file: nil, approval: nil, because: reason, actor: actor, in: &transaction)
      }
    }
  }

  private var now: UInt64 { UInt64(clamping: clock.milliseconds()) }
}

extension BackupRecord {
  /// The entry about what became of the backup. It names no path: that stands in the record.
  fileprivate func entry(
    _ outcome: AuditOutcome, by actor: AuditActor, words: String = ""
  ) -> AuditEntry {
    var reason = "id=\(identifier.text)"
    if bytes > 0 {
      reason += " bytes=\(bytes) sha256=\(digest.hex) log_size=\(log.size) log_root=\(log.root.hex)"
    }
    return AuditEntry(
      actor: actor, operation: .storeBackup, outcome: outcome, reason: reason + words)
  }
}

extension BackupRecord {
  /// The backup `identifier`, which has not been forgotten.
  ///
  /// - Throws: ``VaultError/unknownBackup(_:)``, ``VaultError/backupForgotten(_:)``.
  static func notForgotten(
    _ identifier: KeyIdentifier, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> BackupRecord {
    guard let record = try find(identifier, in: transaction) else {
      throw .unknownBackup(identifier)
    }
    guard record.state != .forgotten else { throw .backupForgotten(identifier) }
    return record
  }

  /// Forgets the backup `identifier`, and gives the entry about it.
  ///
  /// - Parameters:
  ///   - file: the SHA-256 that its record has to have; nil for any.
  ///   - approval: the request that was approved.
  /// - Throws: as ``notForgotten(_:in:)``; ``VaultError/backupHasChanged(_:)``.
  static func forget(
    _ identifier: KeyIdentifier, file: Digest256?, approval: String?, because reason: KeyReason,
    actor: AuditActor, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> (BackupRecord, AuditEntry) {
    var record = try notForgotten(identifier, in: transaction)
    guard file == nil || file == record.digest else { throw .backupHasChanged(identifier) }
    record.state = .forgotten
    try record.save(in: &transaction)
    let entry = AuditEntry(
      actor: actor, operation: .storeBackupForget, outcome: .done,
      reason: "id=\(identifier.text)" + (approval.map { " approval=\($0)" } ?? "")
        + reason.words)
    return (record, entry)
  }
}

extension BackupRecord {
  /// Notes what keys the backups need that are unfinished in a restored store: none but those that
  /// `keyring`, its first, knows. Nothing works on them any more, and while one is unfinished no key
  /// is destroyed.
  static func settle(
    knowing keyring: Keyring, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    for var record in try all(in: transaction) where record.state == .unfinished {
      record.keys = Set(keyring.entries.map(\.identifier))
      try record.save(in: &transaction)
    }
  }
}

extension BackupRecord.Log {
  /// Size and root of the log as `transaction` sees it.
  ///
  /// - Throws: `AuditError.damaged`, `StorageError`.
  package static func read(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> BackupRecord.Log {
    guard let row = try transaction.row(AuditLog.frontierKey) else {
      return BackupRecord.Log(size: 0, root: MerkleFrontier().root)
    }
    guard let frontier = MerkleFrontier(encoded: row.rawSpan) else {
      throw .audit(.damaged("the frontier cannot be read"))
    }
    return BackupRecord.Log(size: frontier.size, root: frontier.root)
  }
}

extension Keyring {
  /// Every key of which the keyring holds the secret.
  fileprivate var identifiersOfSecrets: Set<KeyIdentifier> {
    Set(entries.filter { $0.material != nil }.map(\.identifier))
  }
}
