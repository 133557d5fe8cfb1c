internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import VaultManagement

/// `audit report`: verifies the log and makes the report of a period: `{"html": …, "intact": …}`.
///
/// Its entry has the period and what the page is: `from=TIME to=TIME sha256=HEX printed=HEX`, the end not
/// included; the second digest is that without the page's last line, which prints it.
package struct ReportAudit: AdminOperation {
  /// The longest period of a report, in milliseconds: four hundred days.
  package static let longestPeriod: Int64 = 400 * 86_400_000

  package static let route = AdminRoute.post("/v1/audit/report", "from", "to")
  /// In Unix milliseconds.
  private let from: Int64
  /// The end, not included.
  private let to: Int64

  package init(from: Int64, to: Int64) {
    self.from = from
    self.to = to
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let from = query["from"].flatMap({ Int64($0) }),
      let to = query["to"].flatMap({ Int64($0) }), from >= 0, from < to,
      to - from <= Self.longestPeriod
    else {
      throw .malformedRequest(
        "a report is of a period of at most 400 days, with its beginning first")
    }
    self.init(from: from, to: to)
  }

  package var fields: [Query.Field] { [("from", String(from)), ("to", String(to))] }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .auditReport) }

  package func run(_ call: AdminCall) throws {
    let verification = try call.recomputeLog()
    let custodians = try CustodianSet.read(in: call.store)
    let contents = ReportContents(
      verification: verification, checkpoint: try? call.currentCheckpoint(),
      coverage: try call.coverage(from: from, to: to),
      statistics: try call.statistics(from: from, to: to, size: verification.size),
      origin: call.origin, signingKey: (try? call.signingKey())?.key.text,
      state: ReportContents.State(
        keys: (try? call.openKeyStatuses()) ?? [],
        custodians: custodians,
        custodyRules: try custodians.map { set in
          try call.store.read { try CustodyRules.read(of: set.keyIdentifier, in: $0) }
        },
        backups: try call.store.read { try BackupRecord.all(in: $0) }), madeFor: call.actor.name,
      leavesEntry: call.hooks.record != nil,
      version: call.hooks.version)
    let isIntact = verification.finding == nil
    let report = ReportPage(contents: contents).finished()
    let document = JSONWriter.document { json in
      json.member("intact", boolean: isIntact)
      json.member("size", integer: verification.size)
      json.member("entries", integer: contents.statistics.entries)
      json.member("sha256", string: report.digest.hex)
      json.member("html", string: String(decoding: report.bytes, as: UTF8.self))
    }
    func text(_ time: Int64) -> String {
      RFC3339.string(unixMilliseconds: time, precision: .milliseconds)
    }
    try call.record(
      isIntact ? .intact : .changed,
      reason: "from=\(text(from)) to=\(text(to)) sha256=\(report.digest.hex) "
        + "printed=\(report.printed.hex)")
    try call.answer(document)
  }
}

extension AdminCall {
  fileprivate func coverage(from: Int64, to: Int64) throws -> ReportCoverage {
    let mark = try store.read { (transaction) throws(AuditError) in
      try ArchiveMark.read(in: transaction)
    }
    let first = try AuditReader(store).page(limit: 1).entries.first
    return ReportCoverage(
      from: from, to: to, madeMilliseconds: now, logBegins: first?.timeMilliseconds,
      isRestored: first?.operation == .storeRestore,
      archived: try mark.map {
        ReportCoverage.Archived(
          below: $0.below, untilMilliseconds: try archiveEnd($0), export: $0.export.hex)
      }, archives: try archives())
  }

  /// Every archive of the log.
  private func archives() throws -> [ArchiveFact] {
    let reader = AuditReader(store)
    var entries: [LoggedEntry] = []
    try visit(reader, below: reader.size(), AuditFilter(.auditArchive, .done)) {
      entries.append($0)
    }
    var archives: [ArchiveFact] = []
    for entry in entries {
      guard let mark = ArchiveMark(entry),
        let fact = ArchiveFact(
          entry, after: archives.last, untilMilliseconds: try archiveEnd(mark))
      else { continue }
      archives.append(fact)
    }
    return archives
  }

  fileprivate func statistics(
    from: Int64, to: Int64, size: UInt64
  ) throws -> AuditStatistics {
    let reader = AuditReader(store)
    var statistics = AuditStatistics()
    var before = AuditFilter()
    before.toMilliseconds = from
    before.hasKey = true
    try visit(reader, below: size, before) { statistics.passOver($0) }
    var during = AuditFilter()
    during.fromMilliseconds = from
    during.toMilliseconds = to
    try visit(reader, below: size, during) { statistics.add($0) }
    return statistics
  }

  private func visit(
    _ reader: AuditReader, below size: UInt64, _ filter: AuditFilter,
    _ body: (LoggedEntry) -> Void
  ) throws {
    var next: UInt64? = 0
    while let start = next, start < size {
      let page = try reader.page(from: start, below: size, filter: filter)
      for entry in page.entries { body(entry) }
      next = page.next
      try sink(.progress(done: next ?? size, total: size))
    }
  }

}
