internal import AuditLog
internal import Bytes
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import VaultManagement

/// A report as it is given out.
struct FinishedReport {
  /// The page, of which the last line says ``printed``.
  let bytes: [UInt8]
  /// SHA-256 of the page.
  let digest: Digest256
  /// SHA-256 of the page without its last line.
  let printed: Digest256
}

/// All that an audit report says.
struct ReportContents {
  /// What a store has beside its log.
  struct State {
    /// Every key; empty while the keyring is closed.
    let keys: [KeyStatus]
    let custodians: CustodianSet?
    /// What their ceremony has laid down.
    let custodyRules: CustodyRules?
    let backups: [BackupRecord]
  }

  /// What was made of the log.
  let verification: AuditVerification
  /// The newest signed checkpoint; nil where none was signed yet.
  let checkpoint: SignedCheckpoint?
  let coverage: ReportCoverage
  let statistics: AuditStatistics
  /// `cadenas/STOREID`.
  let origin: String
  /// The key that signs for the log, or has signed for the export; nil where that is not known.
  let signingKey: String?
  /// What the store has beside its log; nil for a report that is made of an export.
  let state: State?
  /// For whom the report was made.
  let madeFor: String
  /// Whether an entry of the log tells of this report, with its digests.
  let leavesEntry: Bool
  let version: String

  /// The period, in Unix milliseconds, its end not included.
  var from: Int64 { coverage.from }
  var to: Int64 { coverage.to }
  /// When the report was made, in Unix milliseconds.
  var madeMilliseconds: Int64 { coverage.madeMilliseconds }
  /// Every key; empty where they are not known.
  var keys: [KeyStatus] { state?.keys ?? [] }
  /// What is said in the place of what is not known.
  var unknown: String {
    state == nil
      ? "Not known: this report is made of an export." : "Not known: the keyring is closed."
  }
}

/// The report as one HTML page that stands alone and prints well.
struct ReportPage {
  let contents: ReportContents

  /// The page with its last line, which says what the lines before it are.
  func finished() -> FinishedReport {
    var html = HTMLWriter()
    writeBody(&html)
    let bytes = html.bytes
    let printed = Digest256.sha256(bytes.rawSpan)
    writeSeal(printed, of: bytes.count, &html)
    let whole = html.bytes
    return FinishedReport(
      bytes: whole, digest: Digest256.sha256(whole.rawSpan), printed: printed)
  }

  private func writeBody(_ html: inout HTMLWriter) {
    html.markup("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
    html.markup("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
    html.markup(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    html.element("title", "Audit report \(day(contents.from)) to \(day(contents.to - 1))")
    html.markup(ReportStyle.sheet)
    html.markup("</head><body>\n")
    writeHead(&html)
    writeVerdict(&html)
    writeOperations(&html)
    writeParties(&html)
    writeUnusual(&html)
    ReportAlarms(statistics: contents.statistics).write(to: &html)
    writeKeys(&html)
    writeCustody(&html)
    ReportRequirements(contents: contents).write(to: &html)
    contents.coverage.writeRetention(
      isIntact: contents.verification.finding == nil, to: &html)
    writeSignatures(&html)
  }

  /// The last line: what whoever has paper, or the file, can tell an edited page by.
  private func writeSeal(_ digest: Digest256, of count: Int, _ html: inout HTMLWriter) {
    html.markup("<p class=\"seal\">SHA-256 of this file without this last line: <code>")
    html.text(digest.hex)
    html.markup("</code>. It is what <code>")
    html.text("head -c \(count) FILE | sha256sum")
    html.markup("</code> prints. ")
    html.text(
      contents.leavesEntry
        ? "The entry of this report in the log (cadenas audit show --operation audit.report) has it as "
          + "printed=, and as sha256= what sha256sum FILE prints: a page that was edited has another."
        : "No entry of the log tells of this report, since it was made without the service: whoever doubts it "
          + "makes it again.")
    html.markup("</p></body></html>\n")
  }

  private func time(_ milliseconds: Int64) -> String { ReportCoverage.text(milliseconds) }

  private func time(_ milliseconds: UInt64) -> String { time(Int64(clamping: milliseconds)) }

  private func day(_ milliseconds: Int64) -> String { String(time(milliseconds).prefix(10)) }

  private func writeHead(_ html: inout HTMLWriter) {
    html.element("h1", "Audit report of a card vault")
    html.markup("<p class=\"lead\">")
    html.text("\(time(contents.from)) to \(time(contents.to)), times in UTC")
    html.markup("</p>")
    for limit in contents.coverage.limits { html.element("p", limit) }
  }

  private func pairs(_ pairs: [(String, String)], to html: inout HTMLWriter) {
    html.markup("<dl>")
    for (name, value) in pairs {
      html.element("dt", name)
      html.markup("<dd><code>")
      html.text(value)
      html.markup("</code></dd>")
    }
    html.markup("</dl>")
  }

  private func writeVerdict(_ html: inout HTMLWriter) {
    let result = contents.verification
    if let finding = result.finding {
      html.markup("<div class=\"verdict bad\">")
      html.element("strong", "The log was changed.")
      html.element(
        "p",
        "The first entry that is wrong is \(finding.sequence) (\(finding.reason.rawValue)). What "
          + "follows is what the log says, and cannot be relied on from there.")
    } else {
      html.markup("<div class=\"verdict\">")
      html.element("strong", "The log is intact.")
      html.element(
        "p",
        "All of its \(result.size) entries were hashed again. They are the tree that "
          + (contents.state == nil ? "the export has" : "the vault keeps")
          + ", and agree with \(result.checkpoints) checkpoints of it, of which \(result.signatures) by "
          + "a signature that was verified. Compare with a checkpoint that was kept elsewhere: only "
          + "that shows that no other log was put in its place.")
      if result.archived > 0 {
        html.element(
          "p",
          "\(result.archived) entries of clients' operations are archived: their hashes are in the "
            + "tree, they themselves in an export.")
      }
    }
    pairs(
      [
        ("log", contents.origin), ("entries", String(result.size)),
        ("root", result.root.map { Base64.encode($0.bytes) } ?? "-"),
        ("verifier key", contents.signingKey ?? contents.unknown),
        (
          "made",
          "\(time(contents.madeMilliseconds)) for \(contents.madeFor), by cadenas "
            + contents.version
        ),
      ], to: &html)
    if let checkpoint = contents.checkpoint {
      html.element(
        "p",
        "Whoever keeps this page keeps this checkpoint, and can tell later whether the log still "
          + "begins with the same \(checkpoint.size) entries (cadenas audit verify --since):")
      html.element("pre", checkpoint.note.encoded)
    }
    html.markup("</div>\n")
  }

  private func writeOperations(_ html: inout HTMLWriter) {
    html.element("h2", "Operations")
    if let remark = contents.coverage.archiveRemark { html.element("p", remark) }
    var totals = AuditStatistics.Counts()
    for counts in contents.statistics.byDay.values {
      for kind in AuditStatistics.Kind.allCases { totals[kind] += counts[kind] }
    }
    html.markup("<ul class=\"figures\">")
    for kind in AuditStatistics.Kind.allCases {
      html.markup("<li>")
      html.element("b", String(totals[kind]))
      html.element("span", kind.title)
      html.markup("</li>")
    }
    html.markup("</ul>")
    ReportChart(
      contents.statistics.byDay, from: contents.from, to: contents.to,
      label: { String(day($0).suffix(5)) }
    ).write(to: &html)
    let rows = contents.statistics.byOperation.sorted { $0.key < $1.key }.flatMap {
      name, outcomes in
      outcomes.sorted { $0.key < $1.key }.map { [name, $0.key, String($0.value)] }
    }
    html.table([.text("Operation"), .text("Outcome"), .number("Entries")], rows)
  }

  private func writeParties(_ html: inout HTMLWriter) {
    html.element("h2", "Merchants and acquirers")
    html.table(
      [.text("Merchant")] + AuditStatistics.Kind.allCases.map { .number($0.title) },
      contents.statistics.byMerchant.sorted { $0.key < $1.key }.map { name, counts in
        [name] + AuditStatistics.Kind.allCases.map { String(counts[$0]) }
      }, empty: contents.coverage.empty("No merchant asked for anything."))
    html.table(
      [.text("Acquirer"), .text("What payments came to"), .number("Cards read by it")],
      contents.statistics.byAcquirer.sorted { $0.key < $1.key }.map { name, counts in
        let outcomes = counts.outcomes.sorted { $0.key < $1.key }
          .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return [name, outcomes.isEmpty ? "-" : outcomes, String(counts.pulls)]
      }, empty: contents.coverage.empty("No card went to an acquirer."))
    html.element("h2", "Refusals")
    html.table(
      [.text("Cause"), .number("Times")],
      contents.statistics.refusals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { [$0.key, String($0.value)] }, empty: contents.coverage.empty("Nothing was refused."))
  }

  private func writeUnusual(_ html: inout HTMLWriter) {
    html.element("h2", "Unusual")
    html.element(
      "p",
      "Hours in which a client had cards detokenized five times as often as in its median hour, and "
        + "at least twenty times; minutes with thirty refusals or more.")
    html.table(
      [.code("When"), .text("What")],
      contents.statistics.patterns.map { [time($0.timeMilliseconds), $0.what] },
      empty: contents.coverage.empty("Nothing of the kind."))
  }
}

// MARK: - Keys

extension ReportPage {
  private func writeKeys(_ html: inout HTMLWriter) {
    html.element("h2", "Keys now")
    html.table(
      [
        .code("Key"), .text("Role"), .text("State"), .code("Check value"),
        .code("Created"), .code("Cryptoperiod ends"), .number("Days left"), .number("Cards"),
        .text("To do"),
      ],
      contents.keys.map { key in
        let left =
          (Int64(clamping: key.cryptoperiodEndMilliseconds) - contents.madeMilliseconds)
          / 86_400_000
        return [
          key.identifier.text, key.role.name, key.state.name, key.checkValue ?? "-",
          day(Int64(clamping: key.createdMilliseconds)),
          day(Int64(clamping: key.cryptoperiodEndMilliseconds)),
          key.state == .active ? String(left) : "-", key.cards.map { String($0) } ?? "-",
          key.warnings.map { $0.text(for: key.role) }.joined(separator: "; "),
        ]
      }, empty: contents.unknown)
    html.element("h2", "What happened to keys")
    html.table(
      [
        .code("When"), .number("Entry"), .code("Key"), .code("Role"), .text("What"),
        .code("By"), .text("Approved by"), .text("Reason"),
      ],
      contents.statistics.keyEvents.map { event in
        [
          time(event.timeMilliseconds), String(event.sequence), event.key.text, event.role ?? "-",
          event.event, event.actor,
          event.approvers.isEmpty ? "-" : event.approvers.joined(separator: ", "),
          event.reason ?? "-",
        ]
      }, empty: "Nothing.")
    if contents.statistics.droppedKeyEvents > 0 {
      html.element(
        "p", "And \(contents.statistics.droppedKeyEvents) more, see cadenas keys history.")
    }
  }

  private func writeCustody(_ html: inout HTMLWriter) {
    html.element("h2", "Custodians and backups")
    guard let state = contents.state else { return html.element("p", contents.unknown) }
    if let set = state.custodians {
      html.element(
        "p",
        "Any \(set.threshold) of \(set.custodians.count) custodians open the keyring of "
          + "\(set.vault.text), whose key is \(set.keyIdentifier.text): "
          + set.custodians.map(\.name.text).joined(separator: ", ") + ".")
      html.element(
        "p",
        state.custodyRules?.distinctAccounts == true
          ? "Their shares come from different accounts: a second one of an account counts nothing."
          : "ONE ACCOUNT MAY GIVE SEVERAL of these shares, until the next ceremony asks for others."
      )
    } else {
      html.element("p", "No custodians: the key source has the key whole.")
    }
    html.table(
      [.code("Backup"), .text("State"), .code("Made"), .text("By")],
      state.backups.map {
        [$0.identifier.text, $0.state.name, time($0.beganMilliseconds), $0.actor]
      }, empty: "No backup is on record.")
  }

  private func writeSignatures(_ html: inout HTMLWriter) {
    html.markup("<div class=\"sign\">")
    html.element("div", "Auditor: name, date, signature")
    html.element("div", "Operator: name, date, signature")
    html.markup("</div>\n")
  }
}
