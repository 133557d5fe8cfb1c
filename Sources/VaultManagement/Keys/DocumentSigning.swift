package import AuditLog
import Keyring
import Storage
package import VaultCore

extension VaultManager {
  /// Signs what `actor` was given by `operation`, with the log of now.
  ///
  /// - Parameter document: JSON, without an end of line.
  /// - Throws: ``VaultError/sealed``; `AuditError`, also where it is too long for a note; `StorageError`.
  package func sign(
    _ document: String, of operation: AuditOperation, for actor: AuditActor
  ) throws(VaultError) -> SignedNote {
    try store.perform { [books] (transaction) throws(VaultError) in
      let keys = try books.opened().keys
      let signer = try onKeys(keys.working.signingKey())
      let signed = SignedDocument(
        store: String(books.origin.dropFirst(VerifierKey.namePrefix.count)),
        kind: operation.rawValue, timeMilliseconds: books.now, actor: actor.name,
        treeSize: books.audit.pendingSize, treeRoot: books.audit.pendingRoot, document: document)
      let note = try onLog(SignedNote(signing: signed.text, as: books.origin, with: signer.key))
      keys.countUse(of: signer.identifier)
      return note
    }
  }
}
