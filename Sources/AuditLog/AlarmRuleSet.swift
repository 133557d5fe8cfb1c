/// Says which rules an entry falls under, as bits: bit n is that of rule n.
///
/// Every entry that the vault writes is held against all rules, while others wait for it. So the words
/// of the rules are looked up once for an entry, and not once for each rule; what is left is one AND
/// for each member.
package struct AlarmRuleSet: Sendable {
  /// The rules that a word of one member lets through.
  private struct Member<Word: Hashable & Sendable>: Sendable {
    /// Those that say nothing of the member.
    private(set) var indifferent: UInt64 = 0
    private var byWord: [Word: UInt64] = [:]

    init(_ wordsByRule: [[Word]]) {
      for (index, words) in wordsByRule.enumerated() where words.isEmpty {
        indifferent |= 1 << UInt64(index)
      }
      for (index, words) in wordsByRule.enumerated() {
        for word in words { byWord[word, default: indifferent] |= 1 << UInt64(index) }
      }
    }

    /// The rules among `candidates` that take `word`. A lookup costs more than all else, so it is only
    /// done where it decides something.
    func filter(_ candidates: UInt64, by word: Word?) -> UInt64 {
      guard candidates & ~indifferent != 0, let word else { return candidates & indifferent }
      return candidates & (byWord[word] ?? indifferent)
    }
  }

  private let all: UInt64
  private let aboutHoneytokens: UInt64
  private let aboutKeys: UInt64
  private let operations: Member<AuditOperation>
  private let outcomes: Member<AuditOutcome>
  private let reasons: Member<String>

  /// Prepares rules.
  /// - Precondition: there are at most ``AlarmRule/most``.
  package init(_ rules: [AlarmRule]) {
    precondition(rules.count <= AlarmRule.most, "each rule has a bit")
    func bits(_ isMeant: (AlarmRule) -> Bool) -> UInt64 {
      rules.enumerated().reduce(0) { isMeant($1.element) ? $0 | 1 << UInt64($1.offset) : $0 }
    }
    all = bits { _ in true }
    aboutHoneytokens = bits(\.honeytokens)
    aboutKeys = bits(\.keys)
    operations = Member(rules.map(\.operations))
    outcomes = Member(rules.map(\.outcomes))
    reasons = Member(rules.map(\.reasons))
  }

  /// The rules that are about an entry with these members.
  package func matches(
    operation: AuditOperation, outcome: AuditOutcome, reason: String?, hasKey: Bool,
    namesHoneytoken: Bool
  ) -> UInt64 {
    var candidates = all
    if !namesHoneytoken { candidates &= ~aboutHoneytokens }
    if !hasKey { candidates &= ~aboutKeys }
    candidates = reasons.filter(candidates, by: reason)
    candidates = operations.filter(candidates, by: operation)
    return outcomes.filter(candidates, by: outcome)
  }
}
