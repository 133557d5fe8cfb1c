internal import AuditLog
internal import Cryptography

/// An archive, as its entry tells it.
struct ArchiveFact: Equatable {
  let madeMilliseconds: Int64
  /// The sequence of the entry about it.
  let sequence: UInt64
  let actor: String
  /// The first entry whose line it may have taken: the one before took those before.
  let first: UInt64
  /// The first entry that it left where it was.
  let below: UInt64
  /// A time that no entry which it took is later than, in Unix milliseconds.
  let untilMilliseconds: Int64
  /// SHA-256 of the first lines of its export, in hexadecimal.
  let export: String

  /// Reads the entry about one; nil for any other.
  ///
  /// - Parameter before: the one before it.
  init?(_ entry: LoggedEntry, after before: ArchiveFact?, untilMilliseconds: Int64) {
    guard entry.operation == .auditArchive, entry.outcome == .done,
      let mark = ArchiveMark(entry)
    else { return nil }
    madeMilliseconds = entry.timeMilliseconds
    sequence = entry.sequence
    actor = entry.actor
    first = before?.below ?? 0
    below = mark.below
    self.untilMilliseconds = untilMilliseconds
    export = mark.export.hex
  }
}

/// How far back the log reaches, at hand and in archives, and what of the last twelve months is missing.
extension ReportCoverage {
  private static let dayMilliseconds: Int64 = 86_400_000
  /// What PCI DSS 10.5.1 asks to be kept, and to be at hand.
  private static let keptMilliseconds = 365 * dayMilliseconds
  private static let atHandMilliseconds = 90 * dayMilliseconds

  /// From when on every entry is at hand, in Unix milliseconds; nil where there is none.
  private var atHandFrom: Int64? { archived?.untilMilliseconds ?? logBegins }

  /// What is missing of the twelve months before the report was made, a sentence each.
  func holes(isIntact: Bool) -> [String] {
    var holes: [String] = []
    let yearAgo = madeMilliseconds - Self.keptMilliseconds
    if let logBegins, isRestored, logBegins > yearAgo {
      holes.append(
        "From \(Self.text(yearAgo)) to \(Self.text(logBegins)), when the store was restored: the entries of "
          + "that time are in the log of the store before, in its backups and exports.")
    }
    if let archived, archived.untilMilliseconds > madeMilliseconds - Self.atHandMilliseconds {
      holes.append(
        "Clients' operations are at hand from \(Self.text(archived.untilMilliseconds)) on only: less than "
          + "three months.")
    }
    if !isIntact {
      holes.append(
        "The log was changed: from the entry on that the verdict names, nothing is certain.")
    }
    return holes
  }

  /// The same in few words, with how far the log reaches.
  func retention(isIntact: Bool) -> String {
    guard let logBegins, let atHandFrom else { return "no entry" }
    let days = max(0, madeMilliseconds - atHandFrom) / Self.dayMilliseconds
    let holes = holes(isIntact: isIntact).count
    return "at hand from \(Self.text(atHandFrom)) (\(days) days)"
      + (archives.isEmpty
        ? ", nothing archived" : ", \(archives.count) archives from \(Self.text(logBegins))")
      + (holes == 0 ? ", no hole" : ", \(holes) holes: see there")
  }

  func writeRetention(isIntact: Bool, to html: inout HTMLWriter) {
    html.element("h2", "How far the log reaches")
    guard let logBegins, let atHandFrom else { return html.element("p", "It has no entry.") }
    html.element(
      "p",
      "It begins at \(Self.text(logBegins))\(isRestored ? ", with a restore" : ", with the store"). Every "
        + "entry from \(Self.text(atHandFrom)) on is at hand; before that, clients' operations are in the "
        + "archives below, and everything else is at hand too.")
    html.table(
      [
        .code("Archived"), .number("Entry"), .text("By"), .number("From"), .number("To"),
        .code("None later than"), .text("SHA-256 of the first lines of entries.jsonl"),
      ],
      archives.map {
        [
          Self.text($0.madeMilliseconds), String($0.sequence), $0.actor, String($0.first),
          String($0.below - 1), Self.text($0.untilMilliseconds), $0.export,
        ]
      }, empty: "Nothing is archived.")
    if let last = archives.last {
      html.element(
        "p",
        "The store cannot know whether an export is still there: compare what "
          + "head -n \(last.below) entries.jsonl | sha256sum prints, with one more than its last entry for "
          + "each.")
    }
    html.element("p", "What is missing of the twelve months before this report:")
    let holes = holes(isIntact: isIntact)
    html.markup("<ul>")
    for hole in holes.isEmpty ? ["Nothing, as far as the exports are there."] : holes {
      html.element("li", hole)
    }
    html.markup("</ul>\n")
  }
}
