package import AuditLog
import Cryptography
package import Keyring
package import RecordFormat

extension CustodianSet {
  /// What the audit log says of a ceremony: the key, and each share.
  ///
  /// Names may hold spaces, so they come last in a reason.
  ///
  /// - Parameters:
  ///   - rules: what the ceremony has laid down.
  ///   - words: what else there is to say of it, with a space before.
  package func entries(
    actor: AuditActor, rules: CustodyRules, words: String = ""
  ) -> [AuditEntry] {
    let count = custodians.count
    let made = AuditEntry(
      actor: actor, operation: .ceremony, key: keyIdentifier.text,
      outcome: .created,
      reason: "role=kek threshold=\(threshold) custodians=\(count) "
        + "check_value=\(KeyCheckValue.text(checkValue)) "
        + "accounts=\(rules.distinctAccounts ? "distinct" : "any")\(words) vault=\(vault.text)")
    let shares = custodians.enumerated().map { index, custodian in
      AuditEntry(
        actor: actor, operation: .ceremony, key: keyIdentifier.text,
        outcome: .share,
        reason: "role=kek share=\(index + 1)/\(count) check_value="
          + KeyCheckValue.text(Self.checkValue(of: custodian.commitment))
          + " custodian=\(custodian.name.text)")
    }
    return [made] + shares
  }
}
