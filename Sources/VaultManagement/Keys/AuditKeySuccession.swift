import AuditLog
import Cryptography
import Keyring
import RecordFormat
import Storage

extension Books {
  /// Has the audit key of `before` vouch for the one that has just taken its place, and keeps that.
  ///
  /// - Throws: `KeyringError`, `AuditError`, `StorageError`.
  func signSuccession(
    from before: Keyring, to keys: LiveKeyring, atMilliseconds now: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let new = try keys.working.withSigningKey { identifier, key in
      KeySuccession.Party(identifier, try verifierKey(key.publicKey))
    }
    let note = try before.withSigningKey { identifier, key in
      let old = KeySuccession.Party(identifier, try verifierKey(key.publicKey))
      return try KeySuccession(old: old, new: new, atMilliseconds: now).signed(with: key)
    }
    keys.countUse(of: try before.current(.audit).identifier)
    try KeySuccession.save(note, for: new.identifier, in: &transaction)
  }

  /// A public key under the name that this store's log is signed as.
  func verifierKey(_ key: Ed25519PublicKey) throws(AuditError) -> VerifierKey {
    guard let verifier = VerifierKey(name: origin, publicKey: key) else { throw .cannotSign }
    return verifier
  }
}
