import AuditLog
import Cryptography
import Keyring
import RecordFormat
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
    let newKey = try keys.working.signing(onKeys(keys.working.current(.audit)).identifier)
    let oldIdentifier = try onKeys(before.current(.audit)).identifier
    let oldKey = try before.signing(oldIdentifier)
    let new = KeySuccession.Party(
      try onKeys(keys.working.current(.audit)).identifier, try verifierKey(newKey.publicKey))
    let old = KeySuccession.Party(oldIdentifier, try verifierKey(oldKey.publicKey))
    let note = try onLog(
      KeySuccession(old: old, new: new, atMilliseconds: now).signed(with: oldKey))
    keys.countUse(of: oldIdentifier)
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
