package import AuditLog
internal import Storage

/// Which entries of the audit log are asked for.
package struct AuditQuery: Equatable, Sendable {
  /// What the entries have to have.
  package var filter = AuditFilter()
  /// How many at most, the newest ones; all where it is nil. They come from the newest to the
  /// oldest where it is given, in the order of the log where not, and where it is followed.
  package var limit: Int?
  /// The sequence after which they begin, in the order of the log and without a limit; nil for the first.
  package var after: UInt64?
  /// Whether entries are shown as they are written, after the newest ones, until who asks goes away.
  package var follows = false

  /// The most that a limit may ask for: whoever asks keeps them in memory to turn them round.
  package static let greatestLimit = 1_000_000
  /// The most newest entries that come before those that are followed.
  package static let greatestLimitFollowed = 10_000

  /// Every entry.
  package init() {}
}

/// `audit show`: entries.
package struct ShowAudit: AdminOperation {
  private static let newestWhenFollowing = 10

  package static let route = AdminRoute.get(
    "/v1/audit", "from", "to", "actor", "operation", "merchant", "token", "key", "acquirer",
    "payment", "request", "outcome", "reason", "limit", "follow", "after")
  private let query: AuditQuery

  package init(_ query: AuditQuery) { self.query = query }

  package init(_ values: Query) throws(AdministrationError) {
    var query = AuditQuery()
    query.filter.fromMilliseconds = try values.number("from")
    query.filter.toMilliseconds = try values.number("to")
    query.filter.actor = values["actor"]
    query.filter.operation = values["operation"]
    query.filter.merchant = values["merchant"]
    query.filter.token = values["token"]
    query.filter.key = values["key"]
    query.filter.acquirer = values["acquirer"]
    query.filter.payment = values["payment"]
    query.filter.request = values["request"]
    query.filter.outcome = values["outcome"]
    query.filter.reason = values["reason"]
    query.follows = values["follow"] == "1"
    query.after = try values.number("after")
    query.limit = try values.number("limit")
    guard query.after == nil || query.limit == nil else { throw Query.malformed }
    if let limit = query.limit {
      let greatest = query.follows ? AuditQuery.greatestLimitFollowed : AuditQuery.greatestLimit
      guard (1...greatest).contains(limit) else { throw Query.malformed }
    }
    self.query = query
  }

  package var fields: [Query.Field] {
    let filter = query.filter
    return [
      ("from", filter.fromMilliseconds.map(String.init)),
      ("to", filter.toMilliseconds.map(String.init)), ("actor", filter.actor),
      ("operation", filter.operation), ("merchant", filter.merchant), ("token", filter.token),
      ("key", filter.key), ("acquirer", filter.acquirer), ("payment", filter.payment),
      ("request", filter.request), ("outcome", filter.outcome), ("reason", filter.reason),
      ("limit", query.limit.map(String.init)),
      ("follow", query.follows ? "1" : nil), ("after", query.after.map(String.init)),
    ]
  }

  package var terms: AdminTerms {
    AdminTerms(.audit, query.follows ? .watching : .long, .lines, .auditShow)
  }

  package func run(_ call: AdminCall) throws {
    if query.follows, call.hooks.vault == nil {
      throw AdministrationError.refused(
        "no service is running: nothing is written that could be followed")
    }
    let reader = AuditReader(call.store)
    if let merchant = query.filter.merchant { try check(merchant, reader, call) }
    try call.record(.done)
    try query.follows
      ? follow(reader, into: call.sink)
      : show(reader, query.limit) { try call.sink(.lines($0.lines)) }
  }

  /// Refuses the name of a merchant that neither the configuration nor an entry has; where entries are
  /// archived, nobody knows whom those name.
  private func check(_ merchant: String, _ reader: AuditReader, _ call: AdminCall) throws {
    guard let known = call.hooks.merchants?(), !known.contains(merchant),
      try call.store.read({ try ArchiveMark.read(in: $0) }) == nil
    else { return }
    var filter = AuditFilter()
    filter.merchant = merchant
    let size = try reader.size()
    var next: UInt64? = 0
    while let start = next, start < size {
      let page = try reader.page(from: start, below: size, limit: 1, filter: filter)
      guard page.count == 0 else { return }
      next = page.next
    }
    throw AdministrationError.malformedRequest(
      "neither the configuration nor an entry names this merchant; there "
        + (known.isEmpty ? "is none" : "are: \(known.joined(separator: ", "))"))
  }

  /// The first sequence that is looked at.
  private var first: UInt64 { query.after.map { $0 == .max ? $0 : $0 + 1 } ?? 0 }

  /// Gives the entries that are asked for, in pages.
  private func show(
    _ reader: AuditReader, _ limit: Int?, _ body: (AuditPage) throws -> Void
  ) throws {
    // What is written from now on, this command's own entry included or not, has no end.
    let size = try reader.size()
    var rest = limit ?? Int.max
    let isReversed = limit != nil
    var next: UInt64? = isReversed && size > 0 ? size - 1 : first
    while let start = next, start < size, rest > 0 {
      let page = try reader.page(
        from: start, below: size, reversed: isReversed,
        limit: min(rest, AuditLimits.linesInOneTransaction), filter: query.filter)
      rest -= page.count
      if page.count > 0 { try body(page) }
      next = page.next
    }
  }

  /// Gives the newest entries that are asked for, in the order of the log, and then every new one,
  /// until the sink throws.
  private func follow(_ reader: AuditReader, into sink: Operations.Sink) throws {
    var next = query.after == nil ? try reader.size() : first
    var lines: [ArraySlice<UInt8>] = []
    if query.after == nil {
      try show(reader, query.limit ?? Self.newestWhenFollowing) {
        lines += $0.lines.split(separator: UInt8(ascii: "\n"))
      }
    }
    if !lines.isEmpty { try sink(.lines(lines.reversed().flatMap { $0 + [UInt8(ascii: "\n")] })) }
    var watch = Watch(lookMilliseconds: 100, quietLooks: 10)
    while true {
      let size = try reader.size()
      let isQuiet = watch.isQuiet(afterNews: next < size)
      while next < size {
        let page = try reader.page(from: next, below: size, filter: query.filter)
        if page.count > 0 { try sink(.lines(page.lines)) }
        next = page.next ?? size
      }
      // An empty line.
      if isQuiet { try sink(.lines([UInt8(ascii: "\n")])) }
      watch.wait()
    }
  }
}
