internal import AuditLog
package import Cryptography
internal import JSON
internal import Storage
internal import VaultCore
package import VaultManagement

/// Up to where the log could be archived: the size of the last checkpoint that covers only entries from
/// before a time, in Unix milliseconds, and from before those that have to stay at hand; and what is
/// archived already.
package struct FindArchivable: AdminOperation {
  package static let route = AdminRoute.get("/v1/audit/archive", "before")
  private let before: Int64

  package init(before: Int64) { self.before = before }
  package init(_ query: Query) throws(AdministrationError) { before = try query.required("before") }

  package var fields: [Query.Field] { [("before", String(before))] }
  package var terms: AdminTerms {
    AdminTerms(.audit, .long, .document, .auditArchive, leavesEntry: false)
  }

  package func run(_ call: AdminCall) throws {
    let limit = min(before, call.archiveLimit)
    let (rows, mark) = try call.store.read { (transaction) throws(AuditError) in
      (
        try KeptCheckpoints.rows(limit: .max, in: transaction),
        try ArchiveMark.read(in: transaction)
      )
    }
    // The newest may be gone in a second.
    let last = try rows.dropLast().reversed().first { row in
      try row.size > mark?.below ?? 0 && call.endsBefore(limit, size: row.size)
    }
    try call.answer { json in
      json.member("below", integer: last?.size)
      json.member("archived_below", integer: mark?.below ?? 0)
      try json.member("archived_until_ms", integer: mark.map { try call.archiveEnd($0) })
      json.member("before", unixMilliseconds: limit)
      json.member(
        "keep_at_hand_days",
        integer: limit < before && call.hooks.keepAtHandSeconds > 0
          ? call.hooks.keepAtHandSeconds / 86_400 : nil)
    }
  }
}

/// `audit archive`: removes lines before a sequence; an export holds them, and its lines before there
/// have this SHA-256.
package struct ArchiveAudit: AdminOperation {
  package static let route = AdminRoute.change("/v1/audit/archive", "below", "export")
  private let order: ArchiveOrder
  private let why: KeyReason

  package init(below: UInt64, export: Digest256, because why: KeyReason = .none) {
    order = ArchiveOrder(below: below, export: export)
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let export = query["export"].flatMap({ Digest256(hex: $0) }) else {
      throw Query.malformed
    }
    self.init(
      below: try query.required("below"), export: export, because: try query.reason())
  }

  package var fields: [Query.Field] {
    [("below", String(order.below)), ("export", order.export.hex)] + why.fields
  }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: " below=\(order.below)" + why.words) }
  package var terms: AdminTerms { AdminTerms(.operate, .long, .progress, .auditArchive) }

  package func run(_ call: AdminCall) throws {
    guard let vault = call.hooks.vault else {
      throw AdministrationError.refused("start the service first: it archives what it keeps")
    }
    try call.checkMayLeave(order)
    let persons = call.persons(.archive)
    if persons > 1 { try call.refuseNamelessPerson() }
    let answer = try vault.archive(
      order, because: why, actor: call.actor, persons: persons, progress: call.tellProgress)
    try call.tell(answer, of: .archive(order), vault)
  }
}

extension AdminCall {
  /// The time before which entries need not stay at hand, in Unix milliseconds.
  fileprivate var archiveLimit: Int64 {
    now - Int64(clamping: hooks.keepAtHandSeconds) * 1_000
  }

  /// A time that no archived entry is later than, in Unix milliseconds: that of the first entry that is
  /// not archived.
  func archiveEnd(_ mark: ArchiveMark) throws -> Int64 {
    let first = try AuditReader(store).page(from: mark.below, limit: 1).entries.first
    return first?.timeMilliseconds ?? now
  }

  /// Refuses to archive what has to stay at hand.
  func checkMayLeave(_ order: ArchiveOrder) throws {
    guard try endsBefore(archiveLimit, size: order.below) else {
      throw AdministrationError.refused(
        "entries of the last \(hooks.keepAtHandSeconds / 86_400) days stay at hand "
          + "(audit.keep_at_hand)")
    }
  }

  /// Tells how far it is; false where nobody waits for it any more.
  func tellProgress(_ done: UInt64, _ total: UInt64) -> Bool {
    (try? sink(.progress(done: done, total: total))) != nil
  }

  /// Whether the last of the first `size` entries was written before a time.
  fileprivate func endsBefore(_ milliseconds: Int64, size: UInt64) throws -> Bool {
    guard size > 0 else { return false }
    let last = try AuditReader(store).page(from: size - 1, below: size).entries.first
    return last.map { $0.timeMilliseconds < milliseconds } ?? false
  }
}

extension ArchiveProblem {
  /// A sentence for an operator.
  var explanation: String {
    switch self {
    case .noCheckpoint: "no checkpoint of that size is kept, so nothing can end there"
    case .archivedAlready(let below): "entries before \(below) are archived already"
    case .paymentUnderWay(let sequence):
      "the payment that entry \(sequence) begins has no outcome yet; try again when it has"
    case .anotherExport:
      "the export does not hold what the log does: nothing was removed; export anew"
    }
  }
}
