internal import AuditLog
internal import CardStore
internal import Cards
internal import JSON
internal import Ledgers
internal import RecordFormat
package import Storage

/// `store stats`: sizes of the store.
package struct ShowStore: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/store")
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .storeStats) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let store = call.store
    let size = try store.statistics()
    try call.show { json in
      json.member("store", string: store.identifierText)
      json.member("directory", string: store.directory)
      json.member("file_bytes", integer: size.fileBytes)
      json.member("used_bytes", integer: size.usedBytes)
      json.member("free_bytes", integer: try store.freeBytes())
      json.member("map_bytes", integer: size.mapBytes)
      json.member("page_bytes", integer: size.pageBytes)
      json.member("last_transaction", integer: size.lastTransaction)
      try json.member("tables", objects: Table.allCases) { json, table in
        json.member("name", string: table.rawValue)
        json.member("entries", integer: try store.read { try $0.count(of: table) })
      }
    }
  }
}

/// `store verify`: opens every record, and counts records against the audit log: what was created and
/// not deleted has to be there.
package struct VerifyStore: PlainAdminOperation {
  package static let route = AdminRoute.post("/v1/store/verify")
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .storeVerify) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let slots = call.hooks.slots else {
      throw AdministrationError.unavailable("the keyring is not open")
    }
    let inspection = StoreInspection(
      store: call.store, keys: .init(keyring: try call.keyring(), slots: slots),
      isServed: call.hooks.vault != nil)
    // What comes after the records says nothing of how far it is, and whoever waits hears of it all the same.
    let check = try WatchedWork.run(into: call.sink) { progress in
      try inspection.run { done, total in progress.report(done, of: total) }
    }
    do { try call.record(check.isIntact ? .intact : .changed) } catch {
      // What is damaged may be where the entry would stand, and whoever asked has to hear of it.
      guard check.damage != nil else { throw error }
    }
    try call.answer(check.document)
  }

  /// The answer about a store that could not be opened, since its file is damaged.
  package static func document(of damage: StorageError) -> [UInt8] {
    StoreCheck(damage: damage).document
  }
}

/// What `store verify` has found out, and what of it is wrong.
struct StoreCheck {
  /// Something that is wrong.
  struct Finding: Equatable {
    let name: String
    let detail: String
    /// Whether nothing is damaged by it.
    var isHarmless = false
  }

  /// What is wrong with a page of `cards.mdb`, or its length: then nothing else is known.
  var damage: StorageError?
  /// Nil where the keyring is closed, so that no record could be opened.
  var records: CardVerification?
  /// Nil where the keyring is closed, or nothing is known.
  var rows: IdempotencyVerifier.Result?
  /// Records at the moment at which entries were counted.
  var inStore: UInt64?
  var created: UInt64 = 0
  var deleted: UInt64 = 0
  /// Whether nothing was written while the records were opened: then the counts of each key, which
  /// were read at another moment, can be compared.
  var isAtRest = false
  /// Whether a service has the store open.
  var isServed = false
  /// Why `index.mdb` could not be used, and was not compared.
  var indexLoss: StoreIndex.Loss?
  var fileBytes = 0
  var neededBytes = 0
  var isFileComplete = true
  /// Cards that came with the backup from which the store was restored.
  var restored: UInt64 = 0

  /// Whether nothing is damaged.
  var isIntact: Bool { findings.allSatisfy(\.isHarmless) }

  /// Everything that is wrong.
  var findings: [Finding] {
    if let damage {
      return [Finding(name: "file-damaged", detail: damage.explanation)] + indexFindings
    }
    var findings: [Finding] = []
    if let records, records.damagedCount > 0 {
      let leftOut = records.leftOutOfIndex
      findings.append(
        Finding(
          name: "records-damaged",
          detail: "\(records.damagedCount) records do not open"
            + (leftOut == 0
              ? ""
              : "; index.mdb has lost \(leftOut) of them, whose cards would get a second token")))
    }
    if let count = rows?.damagedCount, count > 0 {
      findings.append(
        Finding(
          name: "rows-damaged",
          detail: (count == 1 ? "1 kept answer does" : "\(count) kept answers do")
            + " not open, or not in the right place; a start of the service puts back what it can, and "
            + "cadenas store remove-damaged gives up the rest"))
    }
    let inStore = inStore ?? 0
    if restored + created < deleted || restored + created - deleted != inStore {
      let before = restored > 0 ? "\(restored) cards restored, " : ""
      findings.append(
        Finding(
          name: "records-miscounted",
          detail: "the audit log tells of \(before)\(created) cards created "
            + "and \(deleted) deleted, the store holds \(inStore)"))
    }
    if isAtRest {
      for key in keys where key.found != key.noted {
        findings.append(
          Finding(
            name: "key-miscounted",
            detail: "\(key.found) records stand under key \(key.identifier), \(key.noted) are noted"
          ))
      }
    }
    findings += indexFindings + secondTokenFindings
    if !isFileComplete {
      findings.append(
        Finding(
          name: "file-truncated",
          detail: "cards.mdb has \(fileBytes) bytes and needs \(neededBytes)"))
    }
    return findings
  }

  private var indexFindings: [Finding] {
    let wrong = records?.wrongInIndex ?? 0
    let isDamaged = indexLoss == .damaged || indexLoss == .truncated
    if wrong > 0 || isDamaged {
      let what = isDamaged ? "is damaged" : "does not say what \(wrong) records do"
      return [
        Finding(
          name: "index-damaged",
          detail: "index.mdb \(what); it is not believed: the service builds it anew by itself")
      ]
    }
    guard let behind = records?.missingFromIndex, behind > 0, !isServed else { return [] }
    return [
      Finding(
        name: "index-behind",
        detail: "index.mdb does not have the \(behind) newest cards yet; the next start adds them",
        isHarmless: true)
    ]
  }

  private var secondTokenFindings: [Finding] {
    guard let records, records.secondTokenCount > 0 else { return [] }
    let count = records.secondTokenCount
    return [
      Finding(
        name: "second-tokens",
        detail: (count == 1 ? "1 card has" : "\(count) cards have")
          + " two tokens of one merchant, which both lead to it; have the merchant use the newer one, and "
          + "delete the older",
        isHarmless: true)
    ]
  }

  private var keys: [(identifier: String, found: UInt64, noted: UInt64)] {
    guard let records else { return [] }
    return Set(records.found.keys).union(records.counted.keys).map { key in
      (key.text, records.found[key] ?? 0, records.counted[key] ?? 0)
    }.sorted { $0.0 < $1.0 }
  }

  /// The document of `store verify`.
  var document: [UInt8] {
    JSONWriter.document { json in
      json.member("intact", boolean: isIntact)
      json.member("records", integer: inStore)
      json.member("opened", integer: records.map { $0.records - $0.damagedCount })
      json.member("damaged", integer: records?.damagedCount)
      json.member("damaged_tokens", strings: records?.damaged.map(\.text) ?? [])
      json.member("restored", integer: damage == nil ? restored : nil)
      json.member("created", integer: damage == nil ? created : nil)
      json.member("deleted", integer: damage == nil ? deleted : nil)
      json.member("damaged_rows", integer: damage == nil ? rows?.damagedCount ?? 0 : nil)
      json.member("damaged_row_keys", strings: rows?.damaged.map(\.text) ?? [])
      json.member("missing_from_index", integer: records?.missingFromIndex)
      json.member(
        "wrong_in_index", integer: records?.missingFromIndex == nil ? nil : records?.wrongInIndex)
      json.member(
        "left_out_of_index",
        integer: records?.missingFromIndex == nil ? nil : records?.leftOutOfIndex)
      json.member(
        "second_tokens",
        integer: records?.missingFromIndex == nil ? nil : records?.secondTokenCount)
      json.member("second_token_pairs", objects: records?.secondTokens ?? []) { json, pair in
        json.member("older", string: pair.older.text)
        json.member("newer", string: pair.newer.text)
      }
      json.member("keys", objects: keys) { json, key in
        json.member("id", string: key.identifier)
        json.member("found", integer: key.found)
        json.member("noted", integer: key.noted)
      }
      json.member("file_bytes", integer: damage == nil ? fileBytes : nil)
      json.member("needed_bytes", integer: damage == nil ? neededBytes : nil)
      Self.write(findings, to: &json)
    }
  }

  /// Writes the member `findings`.
  static func write(_ findings: [Finding], to json: inout JSONWriter) {
    json.member("findings", objects: findings) { json, finding in
      json.member("name", string: finding.name)
      json.member("detail", string: finding.detail)
    }
  }
}
