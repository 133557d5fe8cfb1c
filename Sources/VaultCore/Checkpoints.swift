package import AuditLog
import Keyring
import Ledgers
package import Storage

extension Books {
  /// Signs what the log is with the open batch, where it has entries that no checkpoint covers.
  ///
  /// While the vault is sealed nobody can sign: what is written then is covered by the first checkpoint
  /// after it is open again.
  /// - Parameter stays: whether it is kept for good, and signed also where there is one already.
  package func signCheckpoint(
    stays: Bool, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    guard let session = openedOrNil, audit.pendingSize > 0, stays || audit.needsCheckpoint else {
      return
    }
    let keys = session.keys
    let checkpoint = audit.pendingCheckpoint(origin: origin)
    let signer = try onKeys(keys.working.signingKey())
    keys.countUse(of: signer.identifier)
    let signed = try onLog(SignedCheckpoint(signing: checkpoint, with: signer.key))
    try onStore(
      audit.keep(signed, stays: stays, atMilliseconds: clock.milliseconds(), in: &transaction))
    try onLedger(DigitRows.tidy(at: now / 1_000, in: &transaction))
    try onLedger(session.digits?.keep(in: &transaction))
  }

  /// Notes, once, which entries of before this start no checkpoint covers, before one that is signed
  /// now does.
  func noteUncovered(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    let range = audit.uncoveredAtStart
    // A store that has just been made has its first entries, and nobody has signed yet.
    guard range.lowerBound > 0, !range.isEmpty, audit.committedCheckpoint?.size == range.lowerBound
    else { return }
    try record(
      AuditEntry(
        actor: .system, operation: .checkpoint, outcome: .uncovered,
        reason: "from=\(range.lowerBound) to=\(range.upperBound)"), in: &transaction)
  }
}

extension Vault {
  /// The newest signed checkpoint of the log that is durable.
  package var checkpoint: SignedCheckpoint? { books.audit.committedCheckpoint }

  /// Signs a checkpoint that covers every entry of now, and keeps it for good.
  ///
  /// - Throws: ``VaultError/sealed``, `AuditError`, `StorageError`.
  package func signCheckpoint() throws(VaultError) -> SignedCheckpoint {
    try store.perform { [books] (transaction) throws(VaultError) in
      _ = try books.opened()
      try books.signCheckpoint(stays: true, in: &transaction)
    }
    guard let signed = checkpoint else { throw .sealed }
    return signed
  }
}
