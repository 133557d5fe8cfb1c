import Administration
import ArgumentParser
import AuditLog
import Cryptography

struct AuditExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the whole log to a directory that can be verified without this host.",
    discussion: """
      Entries, hashes of the tree, signed checkpoints, and the public keys with their succession, all \
      verified while they are written, and read again from the disk and verified as audit verify --export \
      does before the export has its name. It ends with a checkpoint that the running service signs now, \
      or, without it, with the newest that is kept. Verify it anywhere: cadenas audit verify --export \
      DIR --public-key FILE. The service needs its keyring open for the public keys.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("A directory that is not there yet.", valueName: "dir"))
  var to: String

  func run() throws {
    let export = try ExportRun(config: common.config, directory: to).run()
    try common.output.show(export.verification.document) { _ in
      TextTable.pairs([
        ("export", to), ("entries", "\(export.verification.size)"),
        ("root", export.verification.root?.hex ?? "-"),
        ("checkpoints", "\(export.verification.checkpoints)"),
        ("SHA-256 of entries", export.entries.hex),
      ])
    }
  }
}

/// Fetches an export and writes it.
struct ExportRun {
  let config: ConfigurationOption
  let directory: String

  /// - Parameter end: the sequence before which lines are part of the digest.
  /// - Returns: what the verifier makes of the files that were written.
  func run(digestBelow end: UInt64 = .max) throws -> ExportCheck.Result {
    var writer = try ExportWriter(directory, digestBelow: end)
    var lines = LineAssembler()
    do {
      try Session(config).run(ExportAudit(), offline: true) { part in
        guard case .lines(let bytes) = part else { return }
        for line in lines.take(bytes[...]) { try writer.take(line) }
      }
      return try writer.finish()
    } catch let finding as AuditVerification.Finding {
      throw CommandFailure(
        .refused,
        "the export does not verify at entry \(finding.sequence) (\(finding.reason.rawValue)), so there "
          + "is no export, and \(directory).draft may be removed; run: cadenas audit verify. Where "
          + "entries were archived meanwhile, export again")
    } catch let error as AuditError {
      writer.abandon()
      throw CommandFailure(.unavailable, AdministrationError.audit(error).detail)
    } catch {
      writer.abandon()
      throw error
    }
  }
}

struct AuditArchiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive",
    abstract: "Move old entries of clients' operations from the store to an export.",
    discussion: """
      Writes an export of the whole log, reads it again and verifies it, and, with --execute, removes the \
      lines of tokenize, detokenize, delete, request, refusals and client.rejected before the last checkpoint before a time \
      from the store: they are gone when the command ends, unless it says otherwise. Their hashes stay, so the tree stays whole, what was proved stays proved, and cards are \
      still counted; so does every entry about keys and administration. Keep the export: it is the only place where \
      those entries are. PCI DSS 10.5.1 asks for twelve months, three of them at hand: entries younger \
      than audit.keep_at_hand are never archived. cadenas store compact gives the room back.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("Entries before this time: 2026-08-01.", valueName: "time"),
    transform: { try TimeArgument.milliseconds($0, endOfDay: false) })
  var before: Int64

  @Option(help: ArgumentHelp("A directory that is not there yet.", valueName: "dir"))
  var to: String

  @Flag(help: "Remove the lines; without it, only the export is written.")
  var execute = false

  @OptionGroup var why: ReasonOption

  func run() throws {
    let found = try DocumentView(
      common.document(FindArchivable(before: before), offline: !execute))
    guard let below = found["below"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
      throw CommandFailure(
        .refused,
        "no checkpoint before \(found.text("before")) covers entries that are not archived yet"
          + (Self.staysAtHand(found).map { ": \($0)" } ?? ""))
    }
    if let reason = Self.staysAtHand(found) {
      Console.complain("\(reason), so it ends before \(found.text("before"))")
    }
    let export = try ExportRun(config: common.config, directory: to).run(digestBelow: below)
    guard execute else {
      return tell(
        "{\"executed\":false,\"below\":\(below)}\n",
        "exported to \(to); with --execute, and another directory, the lines of clients' operations "
          + "before entry \(below) are removed from the store\n")
    }
    let document = try common.document(
      ArchiveAudit(below: below, export: export.entries, because: why.value), offline: false,
      showing: "comparing the export with the log")
    let result = try DocumentView(document)
    if let waiting = WaitingView.text(result, "the archive of the entries before \(below)") {
      return tell(
        "{\"executed\":false,\"below\":\(below),\"approval\":\"\(result.text("approval"))\"}\n",
        waiting + "keep \(to): it is the only place where they will be\n")
    }
    let isRemoved = result["removed"]?.isTrue == true
    tell(
      "{\"executed\":true,\"below\":\(below),\"kept\":\(result.text("kept")),"
        + "\"removed\":\(isRemoved)}\n",
      TextTable.pairs([("export", to)] + Self.pairs(result)))
  }

  /// What was archived.
  static func pairs(_ result: DocumentView) -> [(name: String, value: String)] {
    [
      ("archived", "entries before \(result.text("below"))"),
      (
        "lines that go",
        result["removed"]?.isTrue == true
          ? "are gone from the store" : "go from the store while the service runs on"
      ), ("lines that stay", result.text("kept")),
    ]
  }

  /// Why what is archived ends before the time that was given; nil where it does not.
  private static func staysAtHand(_ found: DocumentView) -> String? {
    found["keep_at_hand_days"]?.integer.map {
      "entries of the last \($0) days stay at hand (audit.keep_at_hand)"
    }
  }

  private func tell(_ json: String, _ text: String) {
    Console.write(common.output.format == .json ? json : text)
  }
}
