internal import AuditLog
internal import CardStore
internal import JSON
internal import Ledgers
internal import RecordFormat
package import VaultCore
package import VaultManagement

/// `store remove-damaged`: gives records and kept answers up that do not open, or, in a dry run, tells
/// which of them stay.
package struct RemoveDamaged: AdminOperation {
  /// How many records and kept answers can be named at a time.
  package static let mostEntries = CardVerifier.mostNamed
  /// What one is named by, for the person who gave another.
  package static let nameRule =
    "a record is named by its token, or as store verify names it, and a kept answer as that does; 1 to "
    + "\(mostEntries) at a time, each once"

  package static let route = AdminRoute.change("/v1/store/remove-damaged", "records", "execute")
  private let entries: [DamagedEntry]
  private let why: KeyReason
  private let execute: Bool

  /// - Throws: ``AdministrationError/malformedRequest(_:)`` where none is named, or one twice, and where it is
  ///   to be done without a reason.
  package init(
    _ entries: [DamagedEntry], because why: KeyReason, execute: Bool
  ) throws(AdministrationError) {
    guard (1...Self.mostEntries).contains(entries.count), Set(entries).count == entries.count
    else { throw .malformedRequest(Self.nameRule) }
    guard !execute || why != .none else {
      throw .malformedRequest("a reason has to be given")
    }
    self.entries = entries
    self.why = why
    self.execute = execute
  }

  package init(_ query: Query) throws(AdministrationError) {
    var entries: [DamagedEntry] = []
    for name in (query["records"] ?? "").split(separator: ",", omittingEmptySubsequences: false) {
      guard let entry = DamagedEntry(String(name)) else { throw .malformedRequest(Self.nameRule) }
      entries.append(entry)
    }
    try self.init(entries, because: query.reason(), execute: query["execute"] == "1")
  }

  package var fields: [Query.Field] {
    [("records", entries.map(\.text).joined(separator: ","))] + why.fields
      + [("execute", execute ? "1" : nil)]
  }
  package var reason: KeyReason? { execute ? why : nil }
  package var subject: AdminSubject {
    entries.count == 1
      ? AdminSubject(token: entries[0].text, words: why.words)
      : AdminSubject(words: " records=\(entries.count)" + why.words)
  }
  package var terms: AdminTerms {
    AdminTerms(execute ? .operate : .audit, .short, .document, .storeRemoveDamaged)
  }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard execute else {
      let obstacles = try vault.obstacles(toRemoving: entries)
      try call.record(.dryRun)
      return try call.answer { json in
        json.member("removed", boolean: false)
        json.member("records", objects: Array(zip(entries, obstacles))) { json, entry in
          json.member("record", string: entry.0.text)
          json.member("stays_because", string: entry.1?.sentence)
          json.member("counted_under", string: nil)
        }
      }
    }
    let removed = try vault.removeDamaged(entries, because: why, actor: call.actor)
    try call.answer { json in
      json.member("removed", boolean: true)
      json.member("records", objects: removed) { json, entry in
        json.member("record", string: entry.entry.text)
        json.member("stays_because", string: nil)
        json.member("counted_under", string: entry.countedUnder?.text)
      }
    }
  }
}

extension DamageObstacle {
  /// Whether there is nothing of that name.
  var isAbsence: Bool { self == .record(.absent) || self == .row(.absent) }

  /// Why it stays, and what helps.
  var sentence: String {
    switch self {
    case .record(.absent): "there is no such record; see: cadenas store verify"
    case .record(.opens):
      "it opens, so it is a card; its merchant deletes it (DELETE /v1/tokens/…)"
    case .row(.absent): "there is no such kept answer; see: cadenas store verify"
    case .row(.opens):
      "it opens, or does in the place that is its own, so it is an answer that counts; a place that is "
        + "damaged is mended at a start of the service, and once a day"
    case .row(.paymentUnderWay):
      "it may be that of a payment that has no outcome yet, and would be sent again; try again when that "
        + "has one: in two minutes at most or, where the outcome could not be written, after a restart"
    case .record(.keyMissing(let key)), .row(.keyMissing(let key)):
      "the key \(key.text), under which it stands, is not in the keyring, so it is not known to be "
        + "damaged; restore a backup that has the key"
    }
  }

  /// The cause in the audit log; nil where that is the failure's own name.
  var word: String? {
    switch self {
    case .record(.absent), .row(.absent): nil
    case .record(.opens): "record-opens"
    case .row(.opens): "answer-opens"
    case .row(.paymentUnderWay): "payment-under-way"
    case .record(.keyMissing), .row(.keyMissing): "key-missing"
    }
  }
}
