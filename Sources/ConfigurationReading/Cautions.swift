import AccessPolicy
import AuditLog

/// Something that is allowed and still deserves an operator's attention, with its remedy.
package struct Caution: Equatable, Sendable {
  /// The setting that is risky, in words.
  package let text: String
  /// What to do about it.
  package let remedy: String
}

extension ServiceConfiguration {
  /// What `cadenas check` reports of a configuration without mistakes, in a fixed order.
  package var cautions: [Caution] {
    var cautions: [Caution] = []
    if development {
      cautions.append(
        Caution(
          text: "development keys are accepted",
          remedy: "remove \"development: true\" before real cards come in"))
    }
    if case .directory(let path) = keys {
      cautions.append(
        Caution(
          text: "the key-encryption key is a clear file in \(path), which is not one of the forms "
            + "that PCI DSS 3.6.1.2 allows",
          remedy: "use an encrypted systemd credential (\"source: credential\"), or custodians "
            + "(cadenas keys ceremony create)"))
    }
    if !alarms.contains(where: \.honeytokens) {
      cautions.append(
        Caution(
          text: "no alarm rule is about honeytokens: naming one would raise nothing",
          remedy: "add \"honeytoken: {honeytokens: true}\" to the rules of the alarm file"))
    }
    if audit.keepAtHandSeconds < AuditSettings.threeMonthsSeconds {
      cautions.append(
        Caution(
          text: "entries of the audit log may be archived before they are three months old, and "
            + "PCI DSS 10.5.1 wants three months at hand",
          remedy: "set \"keep_at_hand: 92d\" in \"audit\""))
    }
    if administration.approvals["destroy", default: 1] < 2 {
      cautions.append(
        Caution(
          text: "one person alone can destroy a key",
          remedy: "set \"approvals: {destroy: 2}\" in \"administration\""))
    }
    let shares = [
      ("client", "connections_by_client", limits.connectionsByClient),
      ("merchant", "connections_by_merchant", limits.connectionsByMerchant),
    ]
    for (who, name, count) in shares where count >= limits.connections {
      cautions.append(
        Caution(
          text: "one \(who) can take every connection: limits.\(name) (\(count)) is not below "
            + "limits.connections (\(limits.connections))",
          remedy: "lower the one or raise the other"))
    }
    return cautions
  }
}
