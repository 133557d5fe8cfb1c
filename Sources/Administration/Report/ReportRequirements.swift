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

  private var overdue: Int {
    contents.keys.filter { $0.warnings.contains(.cryptoperiodEnded) }.count
  }

  private var rows: [[String]] {
    [
      [
        "3.3.1 no sensitive authentication data kept", "the log and the store hold none; refusals",
        "\(contents.statistics.refusals["sensitive-authentication-data"] ?? 0) refused",
      ],
      [
        "3.5.1 PAN unreadable where it is stored", "cards under each key, all of them encrypted",
        contents.keys.isEmpty
          ? contents.unknown : "\(contents.keys.compactMap(\.cards).reduce(0, +)) cards",
      ],
      [
        "3.6.1 keys protected against disclosure", "custodians, key source, unseal entries",
        "\(count(.unseal, .done)) unsealed, \(count(.unsealShare, .refused)) shares refused",
      ],
      [
        "3.7.1 to 3.7.3 generation, distribution, storage", "keys.create, keys.rotate, ceremony",
        "\(count(.keysRotate, .done)) rotated, \(count(.ceremony)) ceremony entries",
      ],
      [
        "3.7.4 cryptoperiods", "keys now, days left",
        contents.keys.isEmpty ? contents.unknown : "\(overdue) keys overdue",
      ],
      [
        "3.7.5 retirement, replacement, destruction",
        "keys.deactivate, keys.compromise, keys.destroy, certificates",
        "\(count(.keysDestroy, .done)) destroyed, \(count(.keysCompromise)) compromised",
      ],
      [
        "3.7.6 split knowledge, dual control", "approve entries, custodians' shares",
        "\(count(.approve, .done)) approvals",
      ],
      [
        "7.2 access by need", "operation-not-permitted, acquirer-not-permitted, not-permitted",
        "\(refused("operation-not-permitted", "acquirer-not-permitted", "command: not-permitted")) refused",
      ],
      [
        "8.6 system accounts", "every entry names the client's certificate or the user",
        "\(contents.statistics.entries) entries",
      ],
      [
        "10.2.1 what is logged", "access to cards, administration, start and stop of the service",
        "\(count(.serve)) starts and stops, \(count(.reload)) reloads",
      ],
      [
        "10.3 protected against change",
        "the Merkle tree over every line and its signed checkpoints, verified for this report",
        contents.verification.finding == nil ? "intact" : "CHANGED",
      ],
      [
        "10.4 reviewed", "this report; audit.show and audit.verify entries",
        "\(count(.auditShow)) looks, \(count(.auditVerify)) verifications",
      ],
      [
        "10.4.1.1 automated mechanisms review the logs",
        "alarm entries, which the rules in force raised as the log was written",
        "\(count(.alarm)) alarms",
      ],
      [
        "10.5.1 twelve months kept, three at hand", "audit.archive entries, exports",
        "\(count(.auditArchive, .done)) archives, \(count(.auditExport)) exports",
      ],
    ]
  }

  private func refused(_ causes: String...) -> UInt64 {
    causes.reduce(0) { $0 + (contents.statistics.refusals[$1] ?? 0) }
  }

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
