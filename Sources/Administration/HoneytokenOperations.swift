internal import AuditLog
internal import Cards
internal import JSON
internal import Storage
internal import Vault

extension Operations {
  /// Does what concerns honeytokens, and gives its document.
  func tend(_ request: HoneytokenRequest, actor: String) throws -> [UInt8] {
    guard let vault = hooks.vault else {
      throw AdministrationError.unavailable("honeytokens are watched by a running service only")
    }
    switch request {
    case .add(let merchant, let note):
      return document(
        try vault.addHoneytoken(merchant: merchant, note: note, actor: actor), vault)
    case .remove(let token):
      return document(try vault.removeHoneytoken(token, actor: actor), vault)
    case .list:
      let honeytokens = try store.read { try Honeytoken.all(in: $0) }
      try hooks.record?(
        AuditEntry(actor: actor, operation: request.auditOperation, outcome: .done))
      var json = JSONWriter()
      json.beginObject()
      json.name("honeytokens")
      json.beginArray()
      for honeytoken in honeytokens { write(honeytoken, vault, to: &json) }
      json.endArray()
      json.endObject()
      return json.bytes
    }
  }

  private func document(_ honeytoken: Honeytoken, _ vault: Vault) -> [UInt8] {
    var json = JSONWriter()
    write(honeytoken, vault, to: &json)
    return json.bytes
  }

  private func write(_ honeytoken: Honeytoken, _ vault: Vault, to json: inout JSONWriter) {
    json.beginObject()
    json.member("token", string: honeytoken.token.text)
    json.member("merchant", string: vault.merchantName(number: honeytoken.merchant))
    json.member("merchant_number", integer: honeytoken.merchant)
    json.member("created", unixMilliseconds: Int64(clamping: honeytoken.createdMilliseconds))
    json.member("actor", string: honeytoken.actor)
    json.member("note", string: honeytoken.note.isEmpty ? nil : honeytoken.note)
    json.endObject()
  }
}

// MARK: - Alarms

extension Operations {
  /// Writes the member `alarms` of `status`: how many each rule has raised since the start.
  func writeAlarms(to json: inout JSONWriter) {
    json.name("alarms")
    json.beginArray()
    for (rule, raised) in hooks.vault?.alarmCounts ?? [] {
      json.beginObject()
      json.member("rule", string: rule)
      json.member("raised", integer: raised)
      json.endObject()
    }
    json.endArray()
  }

  /// The figures of `metrics` about alarms, with a sample for rules that never raised one.
  func alarmMetrics() -> [Metric] {
    guard let vault = hooks.vault else { return [] }
    return [
      Metric(
        "cadenas_alarms_total", .counter, "Alarms since the start, by rule.",
        samples: vault.alarmCounts.map {
          .init(Int64(clamping: $0.raised), labels: [.init("rule", $0.rule)])
        }),
      Metric(
        "cadenas_honeytokens", .gauge, "Honeytokens that are watched.",
        Int64(vault.honeytokenCount)),
    ]
  }
}
