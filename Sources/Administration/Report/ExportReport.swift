package import AuditLog
internal import Cryptography

/// The report of a period that is made of an export: of what is archived, and not in the store any more.
///
/// The export is verified by whoever gives its lines.
package struct ExportReport {
  private let from: Int64
  private let to: Int64
  private var statistics = AuditStatistics()
  private var first: LoggedEntry?
  private(set) var archives: [ArchiveFact] = []
  /// The time of the first entry after the last line that only stands for one; nil where none follows.
  private var archiveEnd: Int64?
  private var hasArchived = false

  /// A report of the entries from the time `from` on and before `to`, in Unix milliseconds.
  package init(from: Int64, to: Int64) {
    self.from = from
    self.to = to
  }

  /// How many entries of the period there were.
  package var entries: UInt64 { statistics.entries }

  /// Takes the next line of the export.
  package mutating func add(_ line: RawSpan) {
    guard let entry = LoggedEntry(line: line) else {
      hasArchived = true
      archiveEnd = nil
      return
    }
    first = first ?? entry
    if hasArchived { archiveEnd = archiveEnd ?? entry.timeMilliseconds }
    let fact = ArchiveFact(
      entry, after: archives.last, untilMilliseconds: entry.timeMilliseconds)
    if let fact { archives.append(fact) }
    if entry.timeMilliseconds < from {
      statistics.passOver(entry)
    } else if entry.timeMilliseconds < to {
      statistics.add(entry)
    }
  }

  /// The page, as one HTML document.
  ///
  /// - Parameters:
  ///   - verification: what the verifier made of the export.
  ///   - signer: the key that has signed the checkpoint that it ends with, where that verifies.
  ///   - user: for whom it is made, as entries name them.
  ///   - madeMilliseconds: now, in Unix milliseconds.
  package func page(
    _ verification: AuditVerification, of checkpoint: SignedCheckpoint,
    signedBy signer: VerifierKey?,
    for user: String, madeMilliseconds: Int64, version: String
  ) -> [UInt8] {
    var archived: ReportCoverage.Archived?
    if hasArchived, let last = archives.last {
      archived = ReportCoverage.Archived(
        below: last.below, untilMilliseconds: archiveEnd ?? madeMilliseconds, export: last.export)
    }
    let coverage = ReportCoverage(
      from: from, to: to, madeMilliseconds: madeMilliseconds, logBegins: first?.timeMilliseconds,
      isRestored: first?.operation == .storeRestore, archived: archived, archives: archives)
    return ReportPage(
      contents: ReportContents(
        verification: verification, checkpoint: checkpoint, coverage: coverage,
        statistics: statistics, origin: checkpoint.checkpoint.origin, signingKey: signer?.text,
        state: nil, madeFor: user, leavesEntry: false, version: version)
    ).finished().bytes
  }
}
