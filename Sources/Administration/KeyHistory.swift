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
  private var roles: [KeyIdentifier: String] = [:]
  /// Who has approved the requests so far.
  private var approvers: [Substring: [String]] = [:]
  /// The request by which a key is being destroyed.
  private var requests: [KeyIdentifier: Substring] = [:]

  /// Knows of no key.
  package init() {}

  /// What `entry` tells: nothing, an event, or two of a replacement.
  package mutating func events(of entry: LoggedEntry) -> [KeyEvent] {
    guard let key = entry.key.flatMap({ KeyIdentifier($0) }),
      entry.operation?.concernsKeys != false
    else { return [] }
    let reasons = entry.reasons
    let isTrue = entry.outcome != .refused && entry.outcome != .failed
    // Whoever was refused may have named a key of another role.
    if isTrue, let role = reasons["role"] { roles[key] = String(role) }
    if entry.operation?.concernsKeyEncryptionKey == true { roles[key] = "kek" }
    note(entry, of: key, reasons)
    let event = KeyEvent(
      sequence: entry.sequence, timeMilliseconds: entry.timeMilliseconds, key: key,
      role: roles[key], event: Self.name(of: entry), actor: entry.actor,
      approvers: Self.isDestruction(entry) ? requests[key].flatMap { approvers[$0] } ?? [] : [],
      reason: entry.reason)
    guard entry.outcome == .done,
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
    _ entry: LoggedEntry, of key: KeyIdentifier, _ reasons: [Substring: Substring]
  ) {
    guard let request = reasons["approval"] else { return }
    if entry.operation == .approve, entry.outcome == .done {
      approvers[request, default: []].append(entry.actor)
    } else if Self.isDestruction(entry) {
      requests[key] = request
    }
  }

  private static func isDestruction(_ entry: LoggedEntry) -> Bool {
    entry.operation == .keysDestroy && (entry.outcome == .begun || entry.outcome == .done)
  }

  private static func name(of entry: LoggedEntry) -> String {
    let text = entry.operationText
    let verb = text.hasPrefix("keys.") ? String(text.dropFirst(5)) : text
    guard entry.outcome == .done else { return "\(verb) \(entry.outcomeText)" }
    return switch entry.operation {
    case .keysCreate, .keysRotate: "created"
    case .keysDeactivate: "deactivated"
    case .keysCompromise: "compromised"
    case .keysDestroy: "destroyed"
    case .approve: "destruction approved"
    case .reject: "destruction rejected"
    case .seal: "sealed"
    case .unseal: "unsealed"
    default: "\(verb) done"
    }
  }
}
