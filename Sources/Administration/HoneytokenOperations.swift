internal import AuditLog
package import Cards
internal import JSON
internal import Ledgers
internal import Storage
package import VaultManagement

/// `honeytoken add`: a new one, for the database of a merchant.
package struct AddHoneytoken: AdminOperation {
  /// What a note has to be, for the person who gave another.
  package static let noteRule =
    "a note has at most \(Honeytoken.longestNote) printable bytes, and may not hold "
    + FreeText.forbidden

  package static let route = AdminRoute.change("/v1/honeytokens", "merchant", "note")
  private let merchant: String
  private let note: FreeText
  private let why: KeyReason

  package init(merchant: String, note: FreeText, because why: KeyReason = .none) {
    self.merchant = merchant
    self.note = note
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let merchant = query["merchant"] else {
      throw .malformedRequest("a honeytoken is for a merchant")
    }
    guard let note = FreeText(query["note"] ?? "", longest: Honeytoken.longestNote) else {
      throw .malformedRequest(Self.noteRule)
    }
    self.init(merchant: merchant, note: note, because: try query.reason())
  }

  package var fields: [Query.Field] {
    [("merchant", merchant), ("note", note == .none ? nil : note.text)] + why.fields
  }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: why.words) }
  package var terms: AdminTerms { AdminTerms(.operate, .short, .document, .honeytokenAdd) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.watchingVault()
    let added = try vault.addHoneytoken(
      merchant: merchant, note: note, because: why, actor: call.actor)
    try call.answer { added.write(to: &$0, vault) }
  }
}

/// `honeytoken list`: every one.
package struct ListHoneytokens: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/honeytokens")
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .honeytokenList) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let vault = try call.watchingVault()
    let all = try call.store.read { try Honeytoken.all(in: $0) }
    try call.show { $0.member("honeytokens", objects: all) { $1.write(to: &$0, vault) } }
  }
}

/// `honeytoken remove`: one that is not watched any more.
package struct RemoveHoneytoken: AdminOperation {
  package static let route = AdminRoute.change("/v1/honeytokens/remove", "token")
  private let token: Token
  private let why: KeyReason

  package init(_ token: Token, because why: KeyReason = .none) {
    self.token = token
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    guard let token = query["token"].flatMap({ Token($0) }) else {
      throw .malformedRequest("a honeytoken is named by its text, tok_…")
    }
    self.init(token, because: try query.reason())
  }

  package var fields: [Query.Field] { [("token", token.text)] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(token: token.text, words: why.words) }
  package var terms: AdminTerms { AdminTerms(.operate, .short, .document, .honeytokenRemove) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.watchingVault()
    let removed = try vault.removeHoneytoken(token, because: why, actor: call.actor)
    try call.answer { removed.write(to: &$0, vault) }
  }
}

extension AdminCall {
  fileprivate func watchingVault() throws(AdministrationError) -> VaultManager {
    guard let vault = hooks.vault else {
      throw .unavailable("honeytokens are watched by a running service only")
    }
    return vault
  }
}

extension Honeytoken {
  fileprivate func write(to json: inout JSONWriter, _ vault: VaultManager) {
    json.member("token", string: token.text)
    json.member("merchant", string: vault.merchantName(number: merchant))
    json.member("merchant_number", integer: merchant)
    json.member("created", unixMilliseconds: Int64(clamping: createdMilliseconds))
    json.member("actor", string: actor)
    json.member("note", string: note.isEmpty ? nil : note)
  }
}

// MARK: - Alarms

extension AdminCall {
  /// Writes the member `alarms` of `status`: how many each rule has raised since the start.
  func writeAlarms(to json: inout JSONWriter) {
    json.member("alarms", objects: hooks.vault?.alarmCounts ?? []) { json, count in
      json.member("rule", string: count.rule)
      json.member("raised", integer: count.raised)
    }
  }

  /// The figures of `metrics` about alarms, with a sample for rules that never raised one.
  func alarmMetrics() -> [Metric] {
    guard let vault = hooks.vault else { return [] }
    return [
      Metric(
        "cadenas_alarms_total", .counter, "Alarms since the start, by rule.",
        samples: vault.alarmCounts.map {
          .init(Int64(clamping: $0.raised), labels: [("rule", $0.rule)])
        }),
      Metric(
        "cadenas_honeytokens", .gauge, "Honeytokens that are watched.",
        Int64(vault.honeytokenCount)),
    ]
  }
}
