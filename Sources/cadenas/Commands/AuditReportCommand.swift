import Administration
import ArgumentParser
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
      the log cannot tell: the time before its first entry, and what is archived. Exit status 1 where the \
      log was changed; the report says so then, and is written all the same. A file that is there already \
      is not overwritten.
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
  }

  func run() throws {
    let period = period
    try OutputFile.checkIsNew(html)
    let document = try common.document(
      ReportAudit(from: period.from, to: period.to), offline: true,
      showing: "reading the log")
    let result = try DocumentView(document)
    try OutputFile.create(html, with: Array(result.text("html").utf8))
    let isIntact = result["intact"]?.isTrue == true
    switch common.output.format {
    case .json:
      Console.write(
        "{\"intact\":\(isIntact),\"size\":\(result.text("size")),"
          + "\"entries\":\(result.text("entries"))}\n")
    case .table:
      Console.write(
        (isIntact ? Console.styled("intact", .green) : Console.styled("changed", .red)) + "\n"
          + TextTable.pairs([
            ("entries of the log", result.text("size")),
            ("entries of the period", result.text("entries")), ("report", html),
          ]))
    }
    if !isIntact { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }
}
