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
    if clock.synchronizedPath == nil, !development {
      cautions.append(
        Caution(
          text: "nobody looks whether the clock is synchronized (clock.synchronized: none)",
          remedy: "name the file that the host's time service touches"))
    }
    if audit.keepAtHandSeconds < AuditSettings.threeMonthsSeconds {
      cautions.append(
        Caution(
          text: "entries of the audit log may be archived before they are three months old, and "
            + "PCI DSS 10.5.1 wants three months at hand",
          remedy: "set \"keep_at_hand: 92d\" in \"audit\""))
    }
    if audit.checkpointPath == nil {
      cautions.append(
        Caution(
          text:
            "no checkpoint of the audit log is kept elsewhere: a store that is put back to an earlier "
            + "state would start as if nothing had happened",
          remedy: "set \"checkpoint_file\" in \"audit\", on another host's disk"))
    }
    cautions += approvals
    for acquirer in acquirers {
      guard let pull = acquirer.pull, pull.quotas.detokenizePerMinute == nil else { continue }
      cautions.append(
        Caution(
          text:
            "the clients of acquirer \(quoted(acquirer.name)) may read cards as fast as they can: "
            + "one that is stolen reads all of them at once",
          remedy: "set \"quotas: {detokenize_per_minute: N}\" in "
            + "\"acquirers.\(acquirer.name).pull\""))
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

  /// What one person alone can do, and who may enter shares.
  private var approvals: [Caution] {
    let acts = [
      ("destroy", "destroy a key"), ("forget", "say that a backup is destroyed"),
      ("archive", "remove entries of the log that are archived"),
      ("ceremony", "put other custodians in place by a ceremony"),
    ]
    var cautions = acts.filter { administration.approvals[$0.0, default: 1] < 2 }.map { word, act in
      Caution(
        text: "one person alone can \(act)",
        remedy: "set \"approvals: {\(word): 2}\" in \"administration\"")
    }
    if case .custodians = keys, administration.custodians.isEmpty {
      cautions.append(
        Caution(
          text: "no custodians are named, so operators and auditors enter shares",
          remedy:
            "name the custodians' accounts as \"custodians\" in \"administration\": they may do "
            + "nothing else"))
    }
    return cautions
  }
}
