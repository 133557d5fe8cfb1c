package import AuditLog
package import RecordFormat
import Storage
package import VaultCore

// What may take several persons, asked for the first time. Destructions are in `Destruction.swift`.
extension VaultManager {
  /// Notes that the file of a backup, and every copy of it, is destroyed, or asks for the approval of
  /// another person first; see ``StoreUpkeep/forgetBackup(_:because:actor:)``.
  ///
  /// - Parameter persons: how many different persons it takes, the one who asks among them.
  /// - Throws: ``VaultError/unknownBackup(_:)``, ``VaultError/backupForgotten(_:)``,
  ///   ``VaultError/tooManyApprovals``, `StorageError`.
  package func forgetBackup(
    _ backup: KeyIdentifier, because reason: KeyReason, actor: AuditActor, persons: Int
  ) throws(VaultError) -> ApprovalAnswer {
    try upkeep.exclusively { () throws(VaultError) in
      let record = try store.read { (transaction) throws(VaultError) in
        try BackupRecord.notForgotten(backup, in: transaction)
      }
      let request = try request(
        .forget(backup, file: record.digest), because: reason, actor: actor, persons: persons)
      return try store.perform {
        [books] (transaction) throws(VaultError) -> ApprovalAnswer in
        if let waiting = try books.wait(request, in: &transaction) { return .waits(waiting) }
        let (record, entry) = try BackupRecord.forget(
          backup, file: record.digest, approval: nil, because: reason, actor: actor,
          in: &transaction)
        try books.record(entry, in: &transaction)
        return .forgotten(record)
      }
    }
  }

  /// Asks for a ceremony that is to be held; what it makes is put in force by
  /// ``beginCustody(of:by:cryptoperiodSeconds:because:actor:persons:)``.
  ///
  /// - Returns: nil where it takes nobody else.
  /// - Throws: ``VaultError/tooManyApprovals``, `StorageError`.
  package func ask(
    for order: CeremonyOrder, because reason: KeyReason, actor: AuditActor, persons: Int
  ) throws(VaultError) -> ApprovalAnswer? {
    let request = try request(.ceremony(order), because: reason, actor: actor, persons: persons)
    let waiting = try store.perform { [books] (transaction) throws(VaultError) in
      try books.wait(request, in: &transaction)
    }
    return waiting.map { $0.missing == 0 ? .granted($0) : .waits($0) }
  }
}
