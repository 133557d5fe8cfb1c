import AuditLog
import Cryptography
import Keyring
import Storage
import VaultCore

extension Books {
  /// Has the audit key of `before` vouch for the one that has just taken its place, and keeps that.
  ///
  /// - Throws: `KeyringError`, `AuditError`, `StorageError`.
  func signSuccession(
    from before: Keyring, to keys: LiveKeyring, atMilliseconds now: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let heir = try onKeys(keys.working.signingKey())
    let signer = try onKeys(before.signingKey())
    let new = KeySuccession.Party(heir.identifier, try verifierKey(heir.key.publicKey))
    let old = KeySuccession.Party(signer.identifier, try verifierKey(signer.key.publicKey))
    let note = try onLog(
      KeySuccession(old: old, new: new, atMilliseconds: now).signed(with: signer.key))
    keys.countUse(of: signer.identifier)
    try onStore(KeySuccession.save(note, for: new.identifier, in: &transaction))
  }

  /// A public key under the name that this store's log is signed as.
  func verifierKey(_ key: Ed25519PublicKey) throws(VaultError) -> VerifierKey {
    guard let verifier = VerifierKey(name: origin, publicKey: key) else {
      throw .audit(.cannotSign)
    }
    return verifier
  }
}
