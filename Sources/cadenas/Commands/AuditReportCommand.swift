import Administration
import ArgumentParser
import AuditLog
import Bytes
import Cryptography
import SystemCalls

struct AuditReportCommand: ParsableCommand {
  /// Thirty days, the period of a report whose beginning is not given.
  private static let standardMilliseconds: Int64 = 30 * 86_400_000

  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Verify the log and write a report of a period, to read, print and sign.",
    discussion: """
      One HTML page that needs nothing else: what was verified, operations by day, merchants and \
      acquirers, refusals, keys and what happened to them, custodians, what is unusual, which \
      requirement has its evidence where, and what the report does not prove. It says what of the period \
      the log cannot tell: the time before its first entry, and what is archived. Its last line is the SHA-256 of \
      all before it, which its entry in the log has too, with that of the whole file. Exit status 1 where the \
      log was changed; the report says so then, and is written all the same. A file that is there already \
      is not overwritten. --export reports about an export, which an archive leaves, by its files alone: \
      keys, custodians and backups of the store are not known then.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "The beginning: 2026-11-01 or 2026-11-01T08:00:00Z. Thirty days before the end, unless given.",
      valueName: "time"),
    transform: { try TimeArgument.milliseconds($0, endOfDay: false) })
  var from: Int64?

  @Option(
    help: ArgumentHelp(
      "The end; a date includes its whole day. Now, unless given.", valueName: "time"),
    transform: { try TimeArgument.milliseconds($0, endOfDay: true) })
  var to: Int64?

  @Option(help: ArgumentHelp("Where the page is written.", valueName: "file"))
  var html: String

  @Option(help: ArgumentHelp("Report about an export, and not the store.", valueName: "dir"))
  var export: String?

  @Option(
    name: .customLong("public-key"),
    help: ArgumentHelp("The verifier key that you trust, of an export.", valueName: "file"))
  var publicKey: String?

  private var period: (from: Int64, to: Int64) {
    let end = to ?? SystemClock.unixMilliseconds() + 1
    return (from ?? max(0, end - Self.standardMilliseconds), end)
  }

  func validate() throws {
    let period = period
    guard period.from >= 0, period.from < period.to,
      period.to - period.from <= ReportAudit.longestPeriod
    else {
      throw ValidationError("a report is of a period of at most 400 days, --from before --to")
    }
    guard publicKey == nil || export != nil else {
      throw ValidationError("--public-key goes with --export")
    }
  }

  func run() throws {
    let made = try write()
    let digest = Digest256.sha256(made.page.rawSpan).hex
    switch common.output.format {
    case .json:
      Console.write(
        "{\"intact\":\(made.isIntact),\"size\":\(made.size),\"entries\":\(made.entries),"
          + "\"sha256\":\"\(digest)\"}\n")
    case .table:
      Console.write(
        (made.isIntact ? Console.styled("intact", .green) : Console.styled("changed", .red)) + "\n"
          + TextTable.pairs([
            ("entries of the log", made.size), ("entries of the period", made.entries),
            ("report", html), ("its SHA-256", digest),
          ]))
    }
    if !made.isIntact { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }

  /// Makes the page and its file.
  @discardableResult
  func write() throws -> Made {
    let period = period
    try OutputFile.checkIsNew(html)
    let made =
      try export.map { try report(of: $0, period.from, period.to) }
      ?? report(period.from, period.to)
    try OutputFile.create(html, with: made.page)
    return made
  }

  typealias Made = (page: [UInt8], isIntact: Bool, size: String, entries: String)

  /// The report of the store's log.
  private func report(_ from: Int64, _ to: Int64) throws -> Made {
    let result = try DocumentView(
      common.document(
        ReportAudit(from: from, to: to), offline: true, showing: "reading the log"))
    return (
      Array(result.text("html").utf8), result["intact"]?.isTrue == true, result.text("size"),
      result.text("entries")
    )
  }

  /// The report of an export, for which neither a service nor a configuration is needed.
  private func report(of export: String, _ from: Int64, _ to: Int64) throws -> Made {
    var report = ExportReport(from: from, to: to)
    let result = try withoutActuallyEscaping({ (line: RawSpan) in report.add(line) }) { visit in
      try ExportCheck(
        directory: export, publicKeyPath: publicKey, sincePath: nil, visit: visit
      ).run()
    }
    if publicKey == nil, common.output.format == .table { Console.complain(result.remark) }
    let verification = result.verification
    let page = report.page(
      verification, of: result.newest, signedBy: result.signer, for: HostUser.currentActor.name,
      madeMilliseconds: SystemClock.unixMilliseconds(), version: Version.full)
    return (page, verification.finding == nil, "\(verification.size)", "\(report.entries)")
  }
}
