import Administration
import ArgumentParser
import AuditLog
import Cards
import ConfigurationReading
import JSON
import RecordFormat

struct AuditShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show entries of the audit log.",
    discussion: """
      Filters add up, and match exactly, of a reason a part; a word that no entry can have is an error. With --format json every entry is printed as it stands in \
      the log, one a line: its bytes are the leaf of the Merkle tree.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "Entries from this time on: 2026-11-23, 2026-11-23T18:43:25Z or 2026-11-23T19:43:25+01:00.",
      valueName: "time"),
    transform: { try TimeArgument.milliseconds($0, endOfDay: false) })
  var from: Int64?

  @Option(
    help: ArgumentHelp(
      "Entries before this time; a date includes its whole day.", valueName: "time"),
    transform: { try TimeArgument.milliseconds($0, endOfDay: true) })
  var to: Int64?

  @Option(help: ArgumentHelp("Entries about this token.", valueName: "token"))
  var token: String?

  @Option(help: ArgumentHelp("Entries about this merchant.", valueName: "name"))
  var merchant: String?

  @Option(
    help: ArgumentHelp("Entries of this client or user (user:NAME).", valueName: "actor"))
  var actor: String?

  @Option(help: ArgumentHelp("Entries of this operation: tokenize, …", valueName: "name"))
  var operation: String?

  @Option(help: ArgumentHelp("Entries about this key.", valueName: "id"))
  var key: String?

  @Option(help: ArgumentHelp("Entries about this acquirer.", valueName: "name"))
  var acquirer: String?

  @Option(
    help: ArgumentHelp("Entries about this payment, by the vault's identifier.", valueName: "id"))
  var payment: String?

  @Option(
    name: .customLong("request-id"),
    help: ArgumentHelp("Entries of the request with this X-Request-Id.", valueName: "id"))
  var request: String?

  @Option(help: ArgumentHelp("Entries with this outcome: created, refused, …", valueName: "name"))
  var outcome: String?

  @Option(
    help: ArgumentHelp(
      "Entries whose reason holds this: not-permitted, ticket=CHG-7, …", valueName: "text"))
  var reason: String?

  @Option(help: ArgumentHelp("Only the newest entries, this many.", valueName: "count"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Entries after the one with this sequence, in their order; what a stream has missed.",
      valueName: "seq"))
  var after: UInt64?

  @Flag(help: "Go on with new entries as they are written, after the newest ten or --limit.")
  var follow = false

  func validate() throws {
    // A card number in the place of a token is refused, and not repeated.
    if let token, Token(token) == nil {
      throw ValidationError("--token is not a token")
    }
    if let operation {
      try Self.check("operation", operation, among: AuditOperation.allCases.map(\.rawValue))
    }
    if let outcome {
      try Self.check("outcome", outcome, among: AuditOutcome.allCases.map(\.rawValue))
    }
    if let key, KeyIdentifier(key) == nil {
      throw ValidationError("--key is a key's id: eight hexadecimal digits in lower case")
    }
    if [acquirer, payment, request, reason].contains("") {
      throw ValidationError("a filter that is empty would let nothing through")
    }
    let greatest = follow ? AuditQuery.greatestLimitFollowed : AuditQuery.greatestLimit
    if let limit, !(1...greatest).contains(limit) {
      throw ValidationError("--limit is a number from 1 to \(greatest)")
    }
    if after != nil, limit != nil {
      throw ValidationError("--after shows all that follows: leave --limit out")
    }
    if follow, to != nil { throw ValidationError("what is followed has no end: leave --to out") }
  }

  private static func check(_ what: String, _ word: String, among words: [String]) throws {
    guard !words.contains(word) else { return }
    let suggestion = closest(to: word, among: words).map { ": did you mean \"\($0)\"?" } ?? ""
    throw ValidationError("there is no \(what) \"\(Console.printable(word))\"\(suggestion)")
  }

  func run() throws {
    var query = AuditQuery()
    query.filter.fromMilliseconds = from
    query.filter.toMilliseconds = to
    query.filter.token = token
    query.filter.merchant = merchant
    query.filter.actor = actor
    query.filter.operation = operation
    query.filter.key = key
    query.filter.acquirer = acquirer
    query.filter.payment = payment
    query.filter.request = request
    query.filter.outcome = outcome
    query.after = after
    query.filter.reason = reason
    query.limit = limit
    query.follows = follow
    var lines = LineAssembler()
    var newest: [[UInt8]] = []
    let format = common.output.format
    try Session(common.config).run(ShowAudit(query), offline: true) { part in
      guard case .lines(let bytes) = part else { return }
      // An empty line tells only that the service is there.
      for line in lines.take(bytes[...]) where !line.isEmpty {
        if query.limit == nil || query.follows {
          try Self.show(line, format)
        } else {
          newest.append(line)
        }
      }
    }
    // The newest come first, and are shown in the order of the log.
    for line in newest.reversed() { try Self.show(line, format) }
    if !follow, query.limit.map({ newest.count < $0 }) ?? true {
      try tellOfArchived(query.filter)
    }
  }

  /// Says that entries which the filter could let through are not in the store any more.
  private func tellOfArchived(_ filter: AuditFilter) throws {
    let isAsked = filter.operation.flatMap { AuditOperation(rawValue: $0) }?.isArchived ?? true
    guard isAsked, filter.key == nil else { return }
    // Nothing is from before 1970: this asks only what is archived already.
    let found = try DocumentView(common.document(FindArchivable(before: 0), offline: true))
    guard let below = found["archived_below"]?.integer, below > 0 else { return }
    if let from = filter.fromMilliseconds, let end = found["archived_until_ms"]?.integer,
      from >= end
    {
      return
    }
    Console.complain(
      "entries of clients' operations before entry \(below) are archived, and not shown: they are in the "
        + "export that cadenas audit archive has written")
  }

  private static func show(_ line: [UInt8], _ format: FormatOption.Format) throws {
    switch format {
    case .json: Console.write(line + [UInt8(ascii: "\n")])
    case .table: Console.write(try row(line))
    }
  }

  /// `SEQ  TIME  OPERATION  OUTCOME (REASON)  ACTOR` and the other members by name.
  private static func row(_ line: [UInt8]) throws -> String {
    let entry = try DocumentView(line)
    var outcome = entry.text("outcome")
    if let reason = entry["reason"] { outcome += " (\(reason.text))" }
    let main = ["seq", "time", "operation", "outcome", "reason", "actor"]
    let rest = entry.members.filter { !main.contains($0.name) }.map {
      " \($0.name)=\($0.value.text)"
    }
    let start = pad(entry.text("seq"), 7, right: true) + "  "
    let row =
      entry.text("time") + "  " + pad(entry.text("operation"), 12) + "  " + pad(outcome, 12) + "  "
      + entry.text("actor") + rest.joined()
    return start + TextFold.text(Console.printable(row), indent: start.count) + "\n"
  }

  private static func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return right ? space + text : text + space
  }
}

/// Puts lines together that come in pieces.
struct LineAssembler {
  /// What follows the last end of a line.
  private(set) var rest: [UInt8] = []

  /// The lines that are whole now, without their ends.
  mutating func take(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = bytes.startIndex
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(rest + bytes[start..<end])
      rest.removeAll(keepingCapacity: true)
      start = end + 1
    }
    rest += bytes[start...]
    return lines
  }
}
