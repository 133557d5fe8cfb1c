internal import JSON

/// The period of a report, and what of it the log of the store cannot tell.
struct ReportCoverage: Equatable {
  /// What is archived.
  struct Archived: Equatable {
    /// The first sequence that is not.
    let below: UInt64
    /// A time that no archived entry is later than, in Unix milliseconds.
    let untilMilliseconds: Int64
    /// SHA-256 of the lines of the export that the entries are in, in hexadecimal.
    let export: String
  }

  /// A moment that a report may be made after the end that somebody named as now, in milliseconds.
  private static let toleranceMilliseconds: Int64 = 1_000

  /// In Unix milliseconds.
  let from: Int64
  /// The end, not included.
  let to: Int64
  /// When the report was made, in Unix milliseconds.
  let madeMilliseconds: Int64
  /// The time of the log's first entry, in Unix milliseconds; nil where there is none.
  let logBegins: Int64?
  /// Whether that tells of a restore.
  let isRestored: Bool
  let archived: Archived?
  /// Every archive that the log tells of, the first one first.
  var archives: [ArchiveFact] = []

  /// What is archived of the period; nil where nothing is.
  var archivedOfPeriod: Archived? { archived.flatMap { from < $0.untilMilliseconds ? $0 : nil } }

  /// What the period reaches beyond, a sentence each.
  var limits: [String] {
    var limits: [String] = []
    if let logBegins, from < logBegins {
      limits.append(
        "The log begins at \(Self.text(logBegins))"
          + (isRestored ? ", when the store was restored from a backup" : "")
          + ": of the time before, this report tells nothing"
          + (isRestored ? ", and the log in the backup does." : "."))
    }
    if to > madeMilliseconds + Self.toleranceMilliseconds {
      limits.append(
        "The report was made at \(Self.text(madeMilliseconds)), before the end of its period: what came "
          + "after that is not in it.")
    }
    return limits
  }

  /// What is not counted; nil where everything is.
  var archiveRemark: String? {
    archivedOfPeriod.map {
      "What clients asked before \(Self.text($0.untilMilliseconds)) is archived and not counted here, up to "
        + "entry \($0.below - 1): those entries are in the export that audit.archive names, whose first "
        + "\($0.below) lines of entries.jsonl have the SHA-256 \($0.export). Where an earlier archive took "
        + "some of them, its export has their lines. A report of an export: cadenas audit report --export."
    }
  }

  /// What an empty table of clients' operations says: `nothing`, where nothing is archived.
  func empty(_ nothing: String) -> String {
    archivedOfPeriod.map {
      "Not known for the time before \(Self.text($0.untilMilliseconds)), which is archived; nothing since."
    } ?? nothing
  }

  static func text(_ milliseconds: Int64) -> String {
    RFC3339.string(unixMilliseconds: milliseconds, precision: .seconds)
  }
}
