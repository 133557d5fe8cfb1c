package import AuditLog
import Synchronization

/// Holds entries against the rules in force, and says which are alarms.
///
/// The writer's thread shows it every entry of the open batch, and takes back what it counted where the
/// batch aborts. Refusals that leave no entry of their own are shown too, from any thread: their alarms
/// wait until ``takeWaiting()``, so that a client cannot tell by the time of an answer that there was
/// one.
package final class AlarmLedger: Sendable {
  /// Alarms of one rule and client that get an entry in a minute; those past it are only counted.
  static let toldPerMinute: UInt64 = 60
  /// Alarms that wait for their entry; those past it are only counted.
  static let mostWaiting = 4_096

  /// Where an entry comes from, or would if it were written.
  package enum Source {
    /// The writer's open batch.
    case batch
    /// Any thread, beside the batch.
    case outside
  }

  private struct State {
    /// In the order of the rules' bits.
    var watches: [RuleWatch] = []
    var rules: AlarmRuleSet
    var honeytokens: Set<String> = []
    /// What the open batch has counted.
    var marks: [RuleWatch.Mark] = []
    var waitingOfBatch: [Alarm] = []
    var waiting: [Alarm] = []

    /// Only what clients do with a token: an operator who adds or removes a honeytoken names it too.
    func namesHoneytoken(_ entry: AuditEntry) -> Bool {
      guard !honeytokens.isEmpty, let token = entry.token,
        entry.operation == .detokenize || entry.operation == .delete
      else { return false }
      return honeytokens.contains(token)
    }
  }

  private let state: Mutex<State>

  package init(rules: [AlarmRule], honeytokens: Set<String> = []) {
    state = Mutex(
      State(
        watches: rules.map { RuleWatch($0, raised: 0) }, rules: AlarmRuleSet(rules),
        honeytokens: honeytokens))
  }

  /// Puts other rules in force. One that has not changed goes on where it was, and a name keeps its
  /// number of alarms.
  package func update(rules: [AlarmRule]) {
    state.withLock { state in
      let old = state.watches
      state.rules = AlarmRuleSet(rules)
      state.watches = rules.map { rule in
        guard let known = old.first(where: { $0.rule.name == rule.name }) else {
          return RuleWatch(rule, raised: 0)
        }
        return known.rule == rule ? known : RuleWatch(rule, raised: known.raised)
      }
    }
  }

  /// How many alarms each rule in force has raised, in their order.
  package var counts: [(rule: String, raised: UInt64)] {
    state.withLock { $0.watches.map { ($0.rule.name, $0.raised) } }
  }

  /// Shows an entry that is written in the open batch. Writer thread only.
  ///
  /// - Parameter now: a monotonic clock, in nanoseconds; asked only where a rule is about the entry.
  /// - Returns: the alarms that get an entry, in the same transaction.
  package func note(_ entry: AuditEntry, now: @Sendable () -> UInt64) -> [Alarm] {
    state.withLock { state in Self.alarms(of: entry, from: .batch, in: &state, now: now) }
  }

  /// Shows a refusal that is counted, and gets no entry of its own.
  package func noteCounted(_ entry: AuditEntry, from source: Source, now: @Sendable () -> UInt64) {
    state.withLock { state in
      let alarms = Self.alarms(of: entry, from: source, in: &state, now: now)
      switch source {
      case .batch: state.waitingOfBatch += alarms
      case .outside: Self.wait(alarms, in: &state)
      }
    }
  }

  /// The alarms that wait for their entry, each given once; ``putBack(_:)`` those that did not get one.
  package func takeWaiting() -> [Alarm] {
    state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
  }

  /// Lets alarms wait again.
  package func putBack(_ alarms: [Alarm]) {
    state.withLock { Self.wait(alarms, in: &$0) }
  }

  /// What the batch has counted counts. Writer thread only.
  package func batchDidCommit() {
    state.withLock { state in
      for mark in state.marks { mark.commit() }
      state.marks.removeAll(keepingCapacity: true)
      guard !state.waitingOfBatch.isEmpty else { return }
      Self.wait(state.waitingOfBatch, in: &state)
      state.waitingOfBatch = []
    }
  }

  /// Nothing of the batch happened, and it may come again. Writer thread only.
  package func batchDidAbort() {
    state.withLock { state in
      for mark in state.marks.reversed() { mark.takeBack() }
      state.marks.removeAll(keepingCapacity: true)
      state.waitingOfBatch = []
    }
  }

  private static func wait(_ alarms: [Alarm], in state: inout State) {
    state.waiting += alarms.prefix(max(0, mostWaiting - state.waiting.count))
  }

  private static func alarms(
    of entry: AuditEntry, from source: Source, in state: inout State, now: @Sendable () -> UInt64
  ) -> [Alarm] {
    var matches = state.rules.matches(
      operation: entry.operation, outcome: entry.outcome, reason: entry.reason,
      hasKey: entry.key != nil, namesHoneytoken: state.namesHoneytoken(entry))
    guard matches != 0 else { return [] }
    let now = now()
    var alarms: [Alarm] = []
    while matches != 0 {
      let (mark, alarm) = state.watches[matches.trailingZeroBitCount].count(entry, at: now)
      matches &= matches - 1
      switch source {
      case .batch: state.marks.append(mark)
      case .outside: mark.commit()
      }
      if let alarm { alarms.append(alarm) }
    }
    return alarms
  }
}

// MARK: - Honeytokens

extension AlarmLedger {
  /// How many honeytokens are watched.
  package var honeytokenCount: Int { state.withLock { $0.honeytokens.count } }

  /// Watches one more honeytoken, by its text.
  package func add(honeytoken: String) { state.withLock { _ = $0.honeytokens.insert(honeytoken) } }

  /// Watches a honeytoken no more.
  package func remove(honeytoken: String) {
    state.withLock { _ = $0.honeytokens.remove(honeytoken) }
  }
}
