import AuditLog

/// What one rule has counted. Confined to the lock of its ``AlarmLedger``.
final class RuleWatch {
  /// In how many seconds a client that names a honeytoken again and again raises one alarm.
  private static let honeytokenSeconds: UInt64 = 1

  let rule: AlarmRule
  /// Alarms raised, those without an entry included.
  private(set) var raised: UInt64
  /// What is counted by subject; nil where each entry is an alarm.
  private var windows: SubjectWindows?
  /// Alarms of each client.
  private var clients = SubjectWindows(seconds: 60)

  init(_ rule: AlarmRule, raised: UInt64) {
    self.rule = rule
    self.raised = raised
    windows = (rule.windowSeconds ?? (rule.honeytokens ? Self.honeytokenSeconds : nil)).map {
      SubjectWindows(seconds: $0)
    }
  }

  /// What one entry has counted.
  struct Mark {
    fileprivate let watch: RuleWatch
    fileprivate let window: SubjectWindows.Count?
    /// Nil where it raised no alarm.
    fileprivate let client: SubjectWindows.Count?

    /// It stays counted.
    func commit() {
      if client != nil { watch.raised += 1 }
    }

    /// It did not happen.
    func takeBack() {
      if let window { watch.windows?.takeBack(window) }
      if let client { watch.clients.takeBack(client) }
    }
  }

  /// Counts an entry that the rule is about, and gives the alarm where it raised one that gets an
  /// entry.
  func count(_ entry: AuditEntry, at now: UInt64) -> (Mark, Alarm?) {
    let window = windows?.count(subject(of: entry), past: UInt64(rule.threshold), at: now)
    if let window, !window.isFirstPast {
      return (Mark(watch: self, window: window, client: nil), nil)
    }
    let client = clients.count(entry.actor.name, past: AlarmLedger.toldPerMinute, at: now)
    let mark = Mark(watch: self, window: window, client: client)
    guard client.number <= AlarmLedger.toldPerMinute else { return (mark, nil) }
    return (
      mark,
      Alarm(
        rule: rule.name, count: window?.number ?? 1, windowSeconds: rule.windowSeconds,
        isOfManySubjects: window.map { $0.subject == nil } ?? false, cause: entry)
    )
  }

  private func subject(of entry: AuditEntry) -> String {
    guard rule.windowSeconds != nil else { return "\(entry.token ?? "") \(entry.actor.name)" }
    switch rule.subject {
    case .client: return entry.actor.name
    case .merchant: return entry.merchant ?? ""
    case .acquirer: return entry.acquirer ?? ""
    case .token: return entry.token ?? ""
    case nil: return ""
    }
  }
}
