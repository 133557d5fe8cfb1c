internal import AuditLog
internal import Bytes
internal import Cryptography
internal import Ledgers
internal import Storage
package import VaultCore

/// The rules that the store knows to have been in force.
///
/// Rows of `meta`:
/// - key `"rules"`: version 1 (1 byte), then the SHA-256 of the configuration file (32 bytes);
/// - key `"rule/" ‖ SHA-256 of the text (32)`: a row of texts: text, merchant, acquirer, of which the last
///   two are empty where it is about none.
struct NotedRules {
  private static let header = Array("rules".utf8)
  private static let prefix = Array("rule/".utf8)
  private static let version: UInt8 = 1

  /// Nil where none were noted yet, or the row cannot be read.
  let configuration: Digest256?
  let rules: Set<Rule>

  init(in transaction: borrowing StoreReadTransaction) throws(VaultError) {
    configuration = try transaction.row(Self.header).flatMap { row in
      row.count == 33 && row[0] == Self.version ? Digest256(row.rawSpan.extracting(1..<33)) : nil
    }
    var rules: Set<Rule> = []
    try transaction.forEachRow(Self.prefix) { (_, row) throws(VaultError) in
      let texts = try onLedger(TextRow.decode(row.array))
      guard texts.count == 3 else { throw .malformedRow }
      rules.insert(
        Rule(
          texts[0], merchant: texts[1].isEmpty ? nil : texts[1],
          acquirer: texts[2].isEmpty ? nil : texts[2]))
    }
    self.rules = rules
  }

  private static func key(of rule: Rule) -> [UInt8] {
    prefix + Digest256.sha256(Array(rule.text.utf8).rawSpan).bytes
  }

  /// Brings the rows of `changes` into the store.
  static func put(
    _ changes: ArraySlice<RuleChanges.Change>, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    // What goes first, so that the same text about another merchant stays.
    for change in changes where change.isRemoval {
      try transaction.removeRow(key(of: change.rule))
    }
    for change in changes where !change.isRemoval {
      let rule = change.rule
      try transaction.putRow(
        TextRow.encode([rule.text, rule.merchant ?? "", rule.acquirer ?? ""]), at: key(of: rule))
    }
  }

  /// Notes whose rules they are.
  static func put(
    _ configuration: Digest256, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    try transaction.putRow([version] + configuration.bytes, at: header)
  }
}

extension VaultManager {
  /// The most changes of which each gets an entry.
  static let mostRuleEntries = 256
  /// Rows that are written in one batch.
  private static let rowsInOneBatch = 512

  /// Writes what is different from the rules that were in force before, and waits until that is durable:
  /// before the new ones are put in force.
  ///
  /// An entry `configuration` where the file is another one, and one `configuration.rule` for each rule
  /// that was added or removed; past ``mostRuleEntries`` their number. Where no rules are known yet, a
  /// single entry says which ones there are from here on.
  package func note(_ new: RulesInForce) throws(VaultError) {
    let known = try store.read { (transaction) throws(VaultError) in
      try NotedRules(in: transaction)
    }
    let changes = RuleChanges(from: known.rules, to: new.rules)
    guard known.configuration != new.configuration || !changes.changes.isEmpty else { return }
    let entries = Self.entries(of: new, since: known.configuration, changes)
    // The entries come with the first rows. After a crash between two batches the next start tells of the
    // rest.
    var rest = changes.changes[...]
    var isFirst = true
    repeat {
      let batch = rest.prefix(Self.rowsInOneBatch)
      rest = rest.dropFirst(batch.count)
      let (told, isLast) = (isFirst ? entries : [], rest.isEmpty)
      try store.perform { [books] (transaction) throws(VaultError) in
        for entry in told { try books.record(entry, in: &transaction) }
        try NotedRules.put(batch, in: &transaction)
        if isLast { try NotedRules.put(new.configuration, in: &transaction) }
      }
      isFirst = false
    } while !rest.isEmpty
  }

  private static func entries(
    of new: RulesInForce, since known: Digest256?, _ changes: RuleChanges
  ) -> [AuditEntry] {
    func entry(
      _ operation: AuditOperation, _ outcome: AuditOutcome, _ reason: String
    ) -> AuditEntry {
      AuditEntry(
        actor: .system, operation: operation, outcome: outcome, reason: reason)
    }
    let digest = "sha256=\(new.configuration.hex)"
    guard let known else {
      return [
        entry(
          .configuration, .begun, "\(digest) rules=\(new.rules.count) digest=\(new.digest.hex)")
      ]
    }
    var entries: [AuditEntry] = []
    if known != new.configuration {
      entries.append(entry(.configuration, .changed, "\(digest) was=\(known.hex)"))
    }
    func rule(_ change: RuleChanges.Change) -> AuditEntry {
      var entry = entry(
        .configurationRule, change.isRemoval ? .removed : .added, change.rule.text)
      entry.merchant = change.rule.merchant
      entry.acquirer = change.rule.acquirer
      return entry
    }
    guard changes.changes.count > mostRuleEntries else {
      return entries + changes.changes.map(rule)
    }
    // A role or an approval hides behind no number of clients.
    let own = changes.changes.filter { $0.rule.merchant == nil && $0.rule.acquirer == nil }
    return entries + own.prefix(mostRuleEntries).map(rule) + [
      entry(.configurationRule, .counted, "added=\(changes.added) removed=\(changes.removed)")
    ]
  }
}
