internal import AuditLog
internal import CardStore
internal import JSON
package import Keyring
package import RecordFormat
internal import Storage
internal import VaultCore
internal import VaultManagement

/// `keys status`: every key.
package struct ShowKeys: AdminOperation {
  package static let route = AdminRoute.get("/v1/keys", "sign")
  private let isSigned: Bool

  /// - Parameter isSigned: whether the audit key signs it.
  package init(isSigned: Bool = false) { self.isSigned = isSigned }
  package init(_ query: Query) throws(AdministrationError) { isSigned = query["sign"] == "1" }

  package var fields: [Query.Field] { [("sign", isSigned ? "1" : nil)] }
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .keysStatus) }

  package func run(_ call: AdminCall) throws {
    let keys = try call.keyStatuses()
    try call.show(signed: isSigned) { json in
      json.member("keys", objects: keys) { json, key in
        json.member("id", string: key.identifier.text)
        json.member("role", string: key.role.name)
        json.member("state", string: key.state.name)
        json.member("check_value", string: key.checkValue)
        json.member("created", unixMilliseconds: Int64(clamping: key.createdMilliseconds))
        json.member(
          "cryptoperiod_end", unixMilliseconds: Int64(clamping: key.cryptoperiodEndMilliseconds))
        json.member("cards", integer: key.cards)
        json.member("origin", string: key.origin.name)
        json.member("replaced_by", string: key.successor?.text)
        json.member("uses", integer: key.uses)
        json.member("warnings", strings: key.warnings.map { $0.text(for: key.role) })
      }
    }
  }
}

extension AdminCall {
  /// What may be told of every key.
  func keyStatuses() throws -> [KeyStatus] {
    let cards = try CardVerifier.cardCounts(in: store)
    let uses = try store.read { try KeyTally.read(.uses, $0) }
    let keyring = try keyring()
    var keys = try keyring.status(
      cards: cards, uses: uses, rules: hooks.rules, atMilliseconds: UInt64(clamping: now))
    if let held = try hooks.vault?.heldUpReplacement,
      let index = keys.firstIndex(where: { $0.identifier == held.key })
    {
      keys[index].warnings.append(.replacementHeldUp(records: held.records))
    }
    if let fault = faultOfKeyInForce(keyring),
      let index = keys.firstIndex(where: { $0.identifier == keyring.keyEncryptionKeyIdentifier })
    {
      keys[index].warnings.append(.notAtSource(fault))
    }
    return keys
  }

  /// Why the next start would not get the KEK in force; nil where it would.
  private func faultOfKeyInForce(_ keyring: Keyring) -> KeyringError? {
    do throws(KeyringError) {
      try hooks.keySource?.checkKeyInForce(keyring)
      return nil
    } catch .systemUnavailable {
      return nil
    } catch {
      return error
    }
  }

  /// What may be told of every key; nothing while the keyring is closed.
  func openKeyStatuses() throws -> [KeyStatus] {
    hooks.vault?.isSealed == true || hooks.keyring == nil ? [] : try keyStatuses()
  }

  /// The members of `status` about keys: what somebody should do, and how far background work is.
  /// While the keyring is closed nothing is known of keys.
  func writeKeyMembers(_ json: inout JSONWriter) throws {
    let warnings = try openKeyStatuses().flatMap { key in key.warnings.map { (key, $0) } }
    json.member("key_warnings", objects: warnings) { json, about in
      let (key, warning) = about
      json.member("key", string: key.identifier.text)
      json.member("role", string: key.role.name)
      json.member("urgent", boolean: warning.isUrgent)
      json.member("text", string: warning.text(for: key.role))
    }
    json.member("shares", objects: hooks.vault?.shareProgress ?? []) { $0.write($1) }
    // A set that cannot be read keeps nobody from seeing how the service is.
    if let holders = try? hooks.vault?.holders() {
      json.name("custody")
      json.object { json in
        json.member("threshold", integer: holders.set.threshold)
        json.member("custodians", integer: holders.set.custodians.count)
        json.member("distinct_accounts", boolean: holders.rules.distinctAccounts)
      }
    }
    guard let work = hooks.vault?.keyWork else { return }
    json.name("key_work")
    json.object { json in
      json.member("running", boolean: work.isRunning)
      json.member("done", integer: work.done)
      json.member("total", integer: work.total)
      json.member("failure", string: work.failure)
    }
  }

  /// The figures of `metrics` about keys.
  func keyMetrics() throws -> [Metric] {
    let keys = try openKeyStatuses()
    guard !keys.isEmpty else { return [] }
    func labels(_ key: KeyStatus) -> [(String, String)] {
      [("key", key.identifier.text), ("role", key.role.name)]
    }
    return [
      Metric(
        "cadenas_key_cryptoperiod_end_seconds", .gauge,
        "Unix time at which an active key should have been rotated.",
        samples: keys.filter { $0.state == .active }.map {
          .init(Int64(clamping: $0.cryptoperiodEndMilliseconds / 1_000), labels: labels($0))
        }),
      Metric(
        "cadenas_key_warnings", .gauge,
        "Things that somebody should do about a key; see cadenas keys status.",
        samples: keys.map { .init(Int64($0.warnings.count), labels: labels($0)) }),
      Metric(
        "cadenas_key_cards", .gauge, "Cards under a data key.",
        samples: keys.compactMap { key in
          key.cards.map { .init(Int64(clamping: $0), labels: labels(key)) }
        }),
      Metric(
        "cadenas_key_uses_total", .counter, "How often a key protected something.",
        samples: keys.map { .init(Int64(clamping: $0.uses), labels: labels($0)) }),
    ]
  }
}

extension KeyWarning {
  /// Whether it should be done now.
  package var isUrgent: Bool {
    switch self {
    case .compromised, .cryptoperiodEnded, .replacementHeldUp, .notAtSource: true
    case .cryptoperiodEnds, .nearlyUsedUp, .destructionIncomplete: false
    }
  }

  /// What to tell a person about a key of this role.
  package func text(for role: KeyRole) -> String {
    switch self {
    case .compromised(let cards?) where cards > 0:
      "COMPROMISED: \(cards == 1 ? "1 card stands" : "\(cards) cards stand") under it; move now with keys "
        + "reencrypt, then destroy it"
    case .compromised:
      switch role {
      case .kek:
        "COMPROMISED: an old copy of the store opens with it; rotate data, fingerprint and audit "
          + "keys, run keys reencrypt, destroy the keys before and their backups, and this one"
      case .audit:
        "COMPROMISED: what it signs from now on proves nothing; compare with a checkpoint kept "
          + "elsewhere, then destroy it"
      case .data, .fingerprint: "COMPROMISED: destroy it as soon as nothing needs it"
      }
    case .notAtSource(let fault):
      "a restart or an unseal would fail now: \(fault.explanation)"
    case .cryptoperiodEnded: "its cryptoperiod has ended: keys rotate \(role.name)"
    case .cryptoperiodEnds(let days):
      "its cryptoperiod ends in \(days == 1 ? "1 day" : "\(days) days"): keys rotate \(role.name)"
    case .nearlyUsedUp(let percent):
      "\(percent) % of its allowed uses are used up: keys rotate \(role.name)"
    case .destructionIncomplete:
      "its destruction is not complete: see cadenas status, and run keys destroy again"
    case .replacementHeldUp(let records):
      (records == 1 ? "1 record does not open" : "\(records) records do not open")
        + ", so that its replacement does not end and cards are still found by it: remove what "
        + "cadenas store verify names with cadenas store remove-damaged, or restore a backup"
    }
  }
}
