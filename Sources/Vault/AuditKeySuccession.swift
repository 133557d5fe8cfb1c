import AuditLog
import Cryptography
import Keyring
import RecordFormat
import Storage

extension WriterCore {
  /// Has the audit key `old` vouch for the one that has just taken its place, and keeps that.
  ///
  /// One that was replaced because somebody else may know it vouches too: for those who can tell by
  /// other means that this note was made here.
  /// - Throws: `KeyringError`, `AuditError`, `StorageError`.
  func signSuccession(
    from old: KeyIdentifier, to new: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws {
    let keys = try open().keys
    let following = try keys.working.withSigningKey(new) { identifier, key in
      KeySuccession.Party(identifier, try verifierKey(key.publicKey))
    }
    let now = now
    let note = try keys.working.withSigningKey(old) { identifier, key in
      let former = KeySuccession.Party(identifier, try verifierKey(key.publicKey))
      return try KeySuccession(old: former, new: following, atMilliseconds: now).signed(with: key)
    }
    keys.countUse(of: old)
    try KeySuccession.save(note, for: new, in: &transaction)
  }

  /// A public key under the name that this store's log is signed as.
  func verifierKey(_ key: Ed25519PublicKey) throws(AuditError) -> VerifierKey {
    guard let verifier = VerifierKey(name: origin, publicKey: key) else { throw .cannotSign }
    return verifier
  }
}
