internal import AuditLog
package import CardStore
internal import JSON
internal import RecordFormat
internal import VaultCore
package import VaultManagement

/// `store remove-damaged`: gives records up that do not open, or, in a dry run, tells which of them stay.
package struct RemoveDamaged: AdminOperation {
  /// How many records can be named at a time.
  package static let mostRecords = CardVerifier.mostNamed
  /// What a record is named by, for the person who gave another.
  package static let nameRule =
    "a record is named by its token, or as store verify names it; 1 to \(mostRecords) at a time, each "
    + "once"

  package static let route = AdminRoute.post(
    "/v1/store/remove-damaged", "records", "ticket", "reason", "execute")
  private let records: [RecordKey]
  private let reason: KeyReason
  private let execute: Bool

  /// - Throws: ``AdministrationError/malformedRequest(_:)`` without records, with one twice, and where it is
  ///   to be done without a reason.
  package init(
    _ records: [RecordKey], because reason: KeyReason, execute: Bool
  ) throws(AdministrationError) {
    guard (1...Self.mostRecords).contains(records.count), Set(records).count == records.count
    else { throw .malformedRequest(Self.nameRule) }
    guard !execute || reason != .none else {
      throw .malformedRequest("a reason has to be given")
    }
    self.records = records
    self.reason = reason
    self.execute = execute
  }

  package init(_ query: Query) throws(AdministrationError) {
    var records: [RecordKey] = []
    for name in (query["records"] ?? "").split(separator: ",", omittingEmptySubsequences: false) {
      guard let record = RecordKey(String(name)) else { throw .malformedRequest(Self.nameRule) }
      records.append(record)
    }
    try self.init(records, because: query.reason(), execute: query["execute"] == "1")
  }

  package var fields: [Query.Field] {
    [("records", records.map(\.text).joined(separator: ","))] + reason.fields
      + [("execute", execute ? "1" : nil)]
  }
  package var subject: AdminSubject {
    records.count == 1
      ? AdminSubject(token: records[0].text, words: reason.words)
      : AdminSubject(words: " records=\(records.count)" + reason.words)
  }
  package var terms: AdminTerms {
    AdminTerms(execute ? .operator : .auditor, .short, .document, .storeRemoveDamaged)
  }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard execute else {
      let obstacles = try vault.obstacles(toRemoving: records)
      try call.record(.dryRun)
      return try call.answer { json in
        json.member("removed", boolean: false)
        json.member("records", objects: Array(zip(records, obstacles))) { json, record in
          json.member("record", string: record.0.text)
          json.member("stays_because", string: record.1?.sentence)
          json.member("counted_under", string: nil)
        }
      }
    }
    let removed = try vault.removeDamaged(records, because: reason, actor: call.actor)
    try call.answer { json in
      json.member("removed", boolean: true)
      json.member("records", objects: removed) { json, record in
        json.member("record", string: record.key.text)
        json.member("stays_because", string: nil)
        json.member("counted_under", string: record.countedUnder?.text)
      }
    }
  }
}

extension RecordObstacle {
  /// Why the record stays, and what helps.
  var sentence: String {
    switch self {
    case .absent: "there is no such record; see: cadenas store verify"
    case .opens: "it opens, so it is a card; its merchant deletes it (DELETE /v1/tokens/…)"
    case .keyMissing(let key):
      "the key \(key.text), under which it stands, is not in the keyring, so it is not known to be "
        + "damaged; restore a backup that has the key"
    }
  }
}
