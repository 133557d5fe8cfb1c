package import AuditLog
package import RecordFormat

/// Something that happened to a key, as the audit log tells it.
package struct KeyEvent: Equatable, Sendable {
  /// The sequence of the entry.
  package var sequence: UInt64
  package var timeMilliseconds: Int64
  package var key: KeyIdentifier
  /// The name of the key's role; nil where no entry so far has told it.
  package var role: String?
  /// `created`, `replaced`, `deactivated`, `compromised`, `destroyed`, or the operation and what
  /// became of it.
  package var event: String
  package var actor: String
  /// Who approved it.
  package var approvers: [String]
  package var reason: String?
}

/// The lives of keys, put together from entries in the order of the log.
///
/// An entry tells of the key in its member `key`, and of another one where its reason holds
/// `replaces=KEYID`. Words of a reason that it knows: `role`, `replaces`, and `approval`, by which those
/// who approved a request are found.
package struct KeyHistory: Sendable {
  /// Operations that change no key: they look at keys, or tell of another entry.
  private static let looks: Set<String> = [
    "keys.status", "keys.certificate", "keys.history", "keys.inventory", "approvals", "alarm",
  ]

  /// Operations on the key that opens the keyring, whatever their reasons say.
  private static let openings: Set<String> = [
    "seal", "unseal", "unseal.share", "ceremony", "ceremony.share",
  ]

  private var roles: [KeyIdentifier: String] = [:]
  /// Who has approved the requests so far.
  private var approvers: [Substring: [String]] = [:]
  /// The request by which a key is being destroyed.
  private var requests: [KeyIdentifier: Substring] = [:]

  /// Knows of no key.
  package init() {}

  /// What `logged` tells: nothing, an event, or two of a replacement.
  package mutating func events(of logged: LoggedEntry) -> [KeyEvent] {
    let entry = logged.entry
    guard let key = entry.key.flatMap({ KeyIdentifier($0) }),
      !Self.looks.contains(entry.operation)
    else { return [] }
    let reasons = logged.reasons
    if let role = reasons["role"] { roles[key] = String(role) }
    if Self.openings.contains(entry.operation) { roles[key] = "kek" }
    note(entry, of: key, reasons)
    let event = KeyEvent(
      sequence: logged.sequence, timeMilliseconds: logged.timeMilliseconds, key: key,
      role: roles[key], event: Self.name(of: entry), actor: entry.actor,
      approvers: Self.isDestruction(entry) ? requests[key].flatMap { approvers[$0] } ?? [] : [],
      reason: entry.reason)
    guard entry.outcome == "done",
      let old = reasons["replaces"].flatMap({ KeyIdentifier(String($0)) })
    else { return [event] }
    if let role = reasons["role"] { roles[old] = String(role) }
    var replacement = event
    replacement.key = old
    replacement.role = roles[old]
    replacement.event = "replaced"
    replacement.reason = "by=\(key.text)"
    return [replacement, event]
  }

  /// Remembers who approves which request, and which one a destruction follows.
  private mutating func note(
    _ entry: AuditEntry, of key: KeyIdentifier, _ reasons: [Substring: Substring]
  ) {
    guard let request = reasons["approval"] else { return }
    if entry.operation == "approve", entry.outcome == "done" {
      approvers[request, default: []].append(entry.actor)
    } else if Self.isDestruction(entry) {
      requests[key] = request
    }
  }

  private static func isDestruction(_ entry: AuditEntry) -> Bool {
    entry.operation == "keys.destroy" && (entry.outcome == "begun" || entry.outcome == "done")
  }

  private static func name(of entry: AuditEntry) -> String {
    let verb =
      entry.operation.hasPrefix("keys.") ? String(entry.operation.dropFirst(5)) : entry.operation
    guard entry.outcome == "done" else { return "\(verb) \(entry.outcome)" }
    switch verb {
    case "create", "rotate": return "created"
    case "deactivate": return "deactivated"
    case "compromise": return "compromised"
    case "destroy": return "destroyed"
    case "approve": return "destruction approved"
    case "reject": return "destruction rejected"
    case "seal": return "sealed"
    case "unseal": return "unsealed"
    default: return "\(verb) done"
    }
  }
}
