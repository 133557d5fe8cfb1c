package import AuditLog
import Cryptography
import Keyring
package import RecordFormat
import Storage

extension AuditEntry {
  /// The entry of a key's beginning.
  package static func creation(of key: KeyringEntry, by actor: AuditActor) -> AuditEntry {
    let checkValue = key.checkValue.map(KeyCheckValue.text) ?? "-"
    return AuditEntry(
      actor: actor, operation: .keysCreate, key: key.identifier.text, outcome: .done,
      reason: "role=\(key.role.name) check_value=\(checkValue)")
  }
}

extension Books {
  /// Makes the first key of each role that the version which made the store did not know.
  func addMissingRoles(
    to keys: LiveKeyring, _ cryptoperiods: Cryptoperiods,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    if keys.working.missingRoles.isEmpty { return }
    let now = now
    let new = try onKeys(
      keys.change(in: &transaction) { (change) throws(KeyringError) in
        try change.addMissingRoles(cryptoperiods: cryptoperiods, atMilliseconds: now)
      })
    for key in keys.working.entries where new.contains(key.identifier) {
      try record(.creation(of: key, by: .system), in: &transaction)
    }
  }
}
