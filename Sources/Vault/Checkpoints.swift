package import AuditLog
import Cryptography
import Keyring
import Storage

extension WriterCore {
  /// Signs what the log is with the open batch, where it has entries that no checkpoint covers.
  ///
  /// While the vault is sealed nobody can sign: what is written then is covered by the first checkpoint
  /// after it is open again.
  /// - Parameter stays: whether it is kept for good, and signed also where there is one already.
  func signCheckpoint(stays: Bool, in transaction: inout StoreWriteTransaction) throws {
    guard let keys = opened?.keys, audit.pendingSize > 0, stays || audit.needsCheckpoint else {
      return
    }
    let checkpoint = audit.pendingCheckpoint(origin: origin)
    let signer = try keys.working.signingKey()
    keys.countUse(of: signer.identifier)
    let signed = try SignedCheckpoint(signing: checkpoint, with: signer.key)
    try audit.keep(
      signed, stays: stays, atMilliseconds: clock.milliseconds(), in: &transaction)
    try DigitRows.tidy(at: now / 1_000, in: &transaction)
    try opened?.digits?.keep(in: &transaction)
  }
}

extension WriterCore {
  /// Notes, once, which entries of before this start no checkpoint covers, before one that is signed
  /// now does.
  func noteUncovered(in transaction: inout StoreWriteTransaction) throws {
    let range = audit.uncoveredAtStart
    // A store that has just been made has its first entries, and nobody has signed yet.
    guard range.lowerBound > 0, !range.isEmpty, audit.committedCheckpoint?.size == range.lowerBound
    else { return }
    try record(
      AuditEntry(
        actor: AuditEntry.systemActor, operation: AuditWord.Operation.checkpoint,
        outcome: AuditWord.Outcome.uncovered,
        reason: "from=\(range.lowerBound) to=\(range.upperBound)"), in: &transaction)
  }
}

extension Vault {
  /// The newest signed checkpoint of the log that is durable.
  package var checkpoint: SignedCheckpoint? { core.audit.committedCheckpoint }

  /// Signs a checkpoint that covers every entry of now, and keeps it for good.
  ///
  /// - Throws: ``VaultError/sealed``, `AuditError`, `StorageError`.
  package func signCheckpoint() throws -> SignedCheckpoint {
    try store.perform { [core] transaction in
      _ = try core.open()
      try core.signCheckpoint(stays: true, in: &transaction)
    }
    guard let signed = checkpoint else { throw VaultError.sealed }
    return signed
  }
}
