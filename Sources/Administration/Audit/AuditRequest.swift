package import AuditLog
package import Cryptography

/// What can be asked about the audit log.
package enum AuditRequest: Equatable, Sendable {
  /// Entries.
  case show(AuditQuery)
  /// Recomputes the log, or what came after a checkpoint that was kept.
  case verify(since: SignedCheckpoint?)
  /// The report of a period, in Unix milliseconds, the end not included.
  case report(from: Int64, to: Int64)
  /// A signed checkpoint of now; the newest one that is kept, where nobody can sign.
  case checkpoint
  /// Proofs that entries are in the log, or that it goes on from a checkpoint.
  case prove(Subject)
  /// Everything that an export holds.
  case export
  /// Up to where the log could be archived: entries before a time, in Unix milliseconds.
  case archivable(before: Int64)
  /// Removes lines before a sequence; an export holds them, and its lines before there have this
  /// SHA-256.
  case archive(below: UInt64, export: Digest256)

  /// What is to be proved.
  package enum Subject: Equatable, Sendable {
    /// The entry with this sequence.
    case entry(UInt64)
    /// Every entry about this token.
    case token(String)
    /// That the log goes on from its first so many entries.
    case size(UInt64)
  }
}

/// Which entries of the audit log are asked for.
package struct AuditQuery: Equatable, Sendable {
  /// What the entries have to have.
  package var filter = AuditFilter()
  /// How many at most, the newest ones; all where it is nil. They come from the newest to the
  /// oldest where it is given, in the order of the log where not, and where it is followed.
  package var limit: Int?
  /// Whether entries are shown as they are written, after the newest ones, until who asks goes away.
  package var follows = false

  /// The most that a limit may ask for: whoever asks keeps them in memory to turn them round.
  package static let greatestLimit = 1_000_000
  /// The most newest entries that come before those that are followed.
  package static let greatestLimitFollowed = 10_000

  /// Every entry.
  package init() {}
}

extension AuditRequest {
  var form: AdminRequest.Form {
    switch self {
    case .show, .export: .lines
    case .verify, .report, .archive: .progress
    case .checkpoint, .prove, .archivable: .document
    }
  }

  var auditOperation: AuditOperation? {
    switch self {
    case .show: .auditShow
    case .verify: .auditVerify
    case .report: .auditReport
    case .checkpoint: .auditCheckpoint
    case .prove: .auditProve
    case .export: .auditExport
    case .archivable: nil
    case .archive: .auditArchive
    }
  }

  var leastRole: Role {
    if case .archive = self { .operator } else { .auditor }
  }

  var lane: AdminRequest.Lane {
    switch self {
    case .show(let query): query.follows ? .watching : .long
    case .verify, .report, .export, .archive, .prove, .archivable: .long
    case .checkpoint: .short
    }
  }

  var method: String {
    switch self {
    case .show, .prove, .archivable: "GET"
    case .verify, .report, .checkpoint, .export, .archive: "POST"
    }
  }

  var target: String {
    switch self {
    case .show(let query): "/v1/audit" + Self.encode(query)
    case .verify(let since):
      "/v1/audit/verify" + Query.text([("since", since?.note.encoded)])
    case .report(let from, let to):
      "/v1/audit/report" + Query.text([("from", String(from)), ("to", String(to))])
    case .checkpoint: "/v1/audit/checkpoint"
    case .prove(.entry(let sequence)): "/v1/audit/prove?seq=\(sequence)"
    case .prove(.token(let token)): "/v1/audit/prove" + Query.text([("token", token)])
    case .prove(.size(let size)): "/v1/audit/prove?size=\(size)"
    case .export: "/v1/audit/export"
    case .archivable(let time): "/v1/audit/archive?before=\(time)"
    case .archive(let below, let export): "/v1/audit/archive?below=\(below)&export=\(export.hex)"
    }
  }

  /// Reads what ``method`` and ``target`` say; nil where no such thing can be asked.
  static func parse(
    method: String, path: Substring, query: Substring
  ) throws(AdministrationError) -> AuditRequest? {
    switch (method, path) {
    case ("GET", "/v1/audit"): return .show(try decode(query))
    case ("POST", "/v1/audit/verify"):
      let query = try Query(query, knowing: ["since"])
      return .verify(since: try query["since"].map(checkpoint))
    case ("POST", "/v1/audit/report"):
      return try report(try Query(query, knowing: ["from", "to"]))
    case ("POST", "/v1/audit/checkpoint") where query.isEmpty: return .checkpoint
    case ("GET", "/v1/audit/prove"): return try subject(query)
    case ("POST", "/v1/audit/export") where query.isEmpty: return .export
    case ("GET", "/v1/audit/archive"):
      let query = try Query(query, knowing: ["before"])
      guard let time = query["before"].flatMap({ Int64($0) }) else { throw Query.malformed }
      return .archivable(before: time)
    case ("POST", "/v1/audit/archive"):
      let query = try Query(query, knowing: ["below", "export"])
      guard let below = query["below"].flatMap({ UInt64($0) }),
        let export = query["export"].flatMap({ Digest256(hex: $0) })
      else { throw Query.malformed }
      return .archive(below: below, export: export)
    default: return nil
    }
  }

  private static func number(_ text: String) throws(AdministrationError) -> UInt64 {
    guard let number = UInt64(text) else { throw Query.malformed }
    return number
  }

  private static func checkpoint(
    _ text: String
  ) throws(AdministrationError) -> SignedCheckpoint {
    do throws(AuditError) {
      return try SignedCheckpoint(parsing: Array(text.utf8))
    } catch { throw .malformedRequest("what was given is no signed checkpoint") }
  }

  private static func subject(_ text: Substring) throws(AdministrationError) -> AuditRequest {
    let query = try Query(text, knowing: ["seq", "token", "size"])
    switch (query["seq"], query["token"], query["size"]) {
    case (let text?, nil, nil): return .prove(.entry(try number(text)))
    case (nil, let token?, nil): return .prove(.token(token))
    case (nil, nil, let text?): return .prove(.size(try number(text)))
    default: throw Query.malformed
    }
  }

  private static func report(_ query: Query) throws(AdministrationError) -> AuditRequest {
    guard let from = query["from"].flatMap({ Int64($0) }),
      let to = query["to"].flatMap({ Int64($0) }), from >= 0, from < to,
      to - from <= Operations.longestReport
    else {
      throw .malformedRequest(
        "a report is of a period of at most 400 days, with its beginning first")
    }
    return .report(from: from, to: to)
  }

  private static func encode(_ query: AuditQuery) -> String {
    let filter = query.filter
    return Query.text([
      ("from", filter.fromMilliseconds.map(String.init)),
      ("to", filter.toMilliseconds.map(String.init)), ("actor", filter.actor),
      ("operation", filter.operation), ("merchant", filter.merchant), ("token", filter.token),
      ("key", filter.key), ("outcome", filter.outcome), ("limit", query.limit.map(String.init)),
      ("follow", query.follows ? "1" : nil),
    ])
  }

  private static func decode(_ text: Substring) throws(AdministrationError) -> AuditQuery {
    let names = [
      "from", "to", "actor", "operation", "merchant", "token", "key", "outcome", "limit", "follow",
    ]
    let values = try Query(text, knowing: names)
    func time(_ name: String) throws(AdministrationError) -> Int64? {
      guard let text = values[name] else { return nil }
      guard let number = Int64(text) else { throw Query.malformed }
      return number
    }
    var query = AuditQuery()
    query.filter.fromMilliseconds = try time("from")
    query.filter.toMilliseconds = try time("to")
    query.filter.actor = values["actor"]
    query.filter.operation = values["operation"]
    query.filter.merchant = values["merchant"]
    query.filter.token = values["token"]
    query.filter.key = values["key"]
    query.filter.outcome = values["outcome"]
    query.follows = values["follow"] == "1"
    if let limit = try time("limit") {
      let greatest = query.follows ? AuditQuery.greatestLimitFollowed : AuditQuery.greatestLimit
      guard (1...Int64(greatest)).contains(limit) else { throw Query.malformed }
      query.limit = Int(limit)
    }
    return query
  }
}
