internal import AuditLog
internal import Keyring

/// The table from requirements to evidence, and what the report does not prove.
struct ReportRequirements {
  let contents: ReportContents

  func write(to html: inout HTMLWriter) {
    html.element("h2", "PCI DSS 4.0.1: what in this log is evidence")
    html.table(
      [.text("Requirement"), .text("Evidence"), .text("In this period")], rows)
    html.element("h2", "What this report does not prove")
    html.markup("<ul>")
    for sentence in Self.limits { html.element("li", sentence) }
    html.markup("</ul>\n")
  }

  private func count(_ operation: AuditOperation, _ outcome: AuditOutcome? = nil) -> UInt64 {
    let outcomes = contents.statistics.byOperation[operation.rawValue] ?? [:]
    return outcome.map { outcomes[$0.rawValue] ?? 0 } ?? outcomes.values.reduce(0, +)
  }

  /// Whether one person could have given several shares.
  private var accounts: String {
    guard let rules = contents.state?.custodyRules else { return "" }
    return rules.distinctAccounts
      ? ", shares of different accounts" : ", several shares of one account are possible"
  }

  private var overdue: Int {
    contents.keys.filter { $0.warnings.contains(.cryptoperiodEnded) }.count
  }

  private var access: AccessCounts { contents.statistics.access }

  private var rows: [[String]] { keyRows + accessRows + logRows }

  private var keyRows: [[String]] {
    [
      [
        "3.3.1 no sensitive authentication data kept", "requests that held some, refused",
        "\(contents.statistics.refusals["sensitive-authentication-data"] ?? 0) refused",
      ],
      [
        "3.5.1 PAN unreadable where it is stored",
        "cards by the key that they are sealed under; the store read whole, each record opened",
        (contents.keys.isEmpty ? contents.unknown : "\(cards) cards under \(dataKeys) data keys")
          + "; read whole by command \(count(.storeVerify, .intact)) times, damage found "
          + "\(count(.storeVerify, .changed)) times",
      ],
      [
        "3.6.1 keys protected against disclosure", "custodians, key source, unseal entries",
        "\(count(.unseal, .done)) unsealed, \(count(.unsealShare, .refused)) shares refused",
      ],
      [
        "3.7.1 to 3.7.3 generation, distribution, storage", "keys.create, keys.rotate, ceremony",
        "\(count(.keysCreate, .done)) created, \(count(.keysRotate, .done)) rotated, "
          + "\(count(.ceremony)) ceremony entries",
      ],
      [
        "3.7.4 cryptoperiods", "keys now, days left",
        contents.keys.isEmpty ? contents.unknown : "\(overdue) keys overdue",
      ],
      [
        "3.7.5 retirement, replacement, destruction",
        "keys.deactivate, keys.compromise, keys.destroy, certificates",
        "\(count(.keysDestroy, .done)) destroyed, \(count(.keysCompromise, .done)) compromised",
      ],
      [
        "3.7.6 split knowledge, dual control", "approve entries, custodians' shares",
        "\(count(.approve, .done)) approvals, \(count(.unsealShare, .done)) shares taken"
          + accounts,
      ],
    ]
  }

  private var accessRows: [[String]] {
    [
      [
        "7.2 access by need",
        "what policy does not permit a client, or a role a user; past the limit of a minute only counted",
        "\(access.notPermitted) not permitted; of \(access.onlyCounted) more the cause is not kept",
      ],
      [
        "8.2.1, 8.6 everybody has a name", "actors: clients by certificate, users by account",
        "\(AccessCounts.text(access.clients)) clients, \(AccessCounts.text(access.users)) users",
      ],
      [
        "10.2.1.1 access to cards", "detokenize: released, and outcomes of payments that were sent",
        "\(access.usesOfCards) uses; \(access.notSent) payments were not sent",
      ],
      [
        "10.2.1.2 administrators", "entries whose actor is a user", "\(access.ofUsers) entries",
      ],
      [
        "10.2.1.3 access to the log", "audit.show, verify, report, checkpoint, prove, export",
        "\(access.looksAtLog) looks",
      ],
      [
        "10.2.1.4 invalid attempts", "refused, of clients and users, those only counted included",
        "\(access.refused) refused",
      ],
      [
        "10.2.1.5 changes to who may do what", "reload",
        "\(count(.reload, .done)) configurations put in force, \(count(.reload, .refused)) refused",
      ],
      [
        "10.2.1.6 the log started and stopped", "serve; a start after a start had no stop between",
        "\(access.starts) starts, \(access.stops) stops, \(access.endsWithoutStop) ends without a stop",
      ],
      [
        "10.2.1.7 objects made and removed", "keys, backups, compactions, removed records",
        "\(count(.keysCreate, .done) + count(.keysRotate, .done)) keys made, "
          + "\(count(.keysDestroy, .done)) destroyed, \(count(.storeBackup, .done)) backups made, "
          + "\(count(.storeBackupForget, .done)) forgotten, \(count(.storeCompact, .done)) compactions, "
          + "\(count(.storeRemoveDamaged, .deleted)) records given up",
      ],
    ]
  }

  private var logRows: [[String]] {
    [
      [
        "10.3 protected against change",
        "the Merkle tree over every line and its signed checkpoints, verified for this report",
        (contents.verification.finding == nil ? "intact" : "CHANGED")
          + "; \(count(.checkpoint, .uncovered)) starts found entries without a checkpoint",
      ],
      [
        "10.4 reviewed", "this report; audit.show, audit.verify and audit.report entries",
        "\(count(.auditShow, .done)) looks, \(count(.auditVerify)) verifications, "
          + "\(count(.auditReport)) reports",
      ],
      [
        "10.4.1.1 automated mechanisms review the logs",
        "alarm entries, which the rules in force raised as the log was written",
        "\(count(.alarm)) alarms",
      ],
      [
        "10.5.1 twelve months kept, three at hand",
        "the log at hand, and archives (How far the log reaches)",
        contents.coverage.retention(isIntact: contents.verification.finding == nil),
      ],
      [
        "10.6 time", "clock entries",
        "\(count(.clock, .jumped)) jumps ahead, \(count(.clock, .backwards)) steps back, "
          + "\(count(.clock, .unsynchronized)) entries that it is not synchronized",
      ],
      [
        "10.7.2 failures of controls",
        "keys.period, certificate, revocation-list, checkpoint, reload, store.verify",
        "\(count(.keysPeriod, .ended)) cryptoperiods, \(count(.certificate, .ended)) certificates and "
          + "\(count(.revocationList, .ended)) revocation lists had ended, "
          + "\(count(.checkpoint, .missing) + count(.checkpoint, .failed)) checkpoint files were missing or "
          + "not written, \(count(.reload, .refused)) reloads refused, \(count(.storeVerify, .changed)) times "
          + "damage",
      ],
    ]
  }

  private var cards: UInt64 { contents.keys.compactMap(\.cards).reduce(0, +) }
  private var dataKeys: Int { contents.keys.count { ($0.cards ?? 0) > 0 } }

  private static let limits = [
    "That this is the log which the vault wrote: whoever could replace the whole store could "
      + "replace its log. Compare with a checkpoint that was kept elsewhere.",
    "That what was not written did not happen: the vault refuses to act without an entry, and this "
      + "page is made by the vault.",
    "Who a user or a client was beyond the name that the host or the certificate gave.",
    "Requests that were refused before a client was known, requests that were answered 503, and what "
      + "is no HTTP: they are in the service's own log and in its metrics.",
    "That somebody answered an alarm (12.10.5), and that the rules in force were enough: the alarm file "
      + "and what was done are kept elsewhere.",
    "That backups and old copies of the store which are not on record do not exist.",
    "Compliance: the table says where evidence is, and an assessor says whether it suffices.",
  ]
}
