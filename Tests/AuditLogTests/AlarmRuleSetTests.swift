import AuditLog
import Testing

@Suite struct AlarmRuleSetTests {
  private struct Entry {
    var operation = AuditOperation.detokenize
    var outcome = AuditOutcome.refused
    var reason: String? = "token-not-found"
    var hasKey = false
    var namesHoneytoken = false
  }

  private func names(_ rules: [AlarmRule], _ entry: Entry) -> [String] {
    let bits = AlarmRuleSet(rules).matches(
      operation: entry.operation, outcome: entry.outcome, reason: entry.reason,
      hasKey: entry.hasKey, namesHoneytoken: entry.namesHoneytoken)
    return rules.indices.filter { bits & (1 << UInt64($0)) != 0 }.map { rules[$0].name }
  }

  /// What a rule says, said plainly.
  private func isAbout(_ rule: AlarmRule, _ entry: Entry) -> Bool {
    (!rule.honeytokens || entry.namesHoneytoken) && (!rule.keys || entry.hasKey)
      && (rule.operations.isEmpty || rule.operations.contains(entry.operation))
      && (rule.outcomes.isEmpty || rule.outcomes.contains(entry.outcome))
      && (rule.reasons.isEmpty || entry.reason.map { rule.reasons.contains($0) } == true)
  }

  @Test func `a rule is about an entry of which all holds that it says`() {
    let rule = AlarmRule(
      name: "a", operations: [.delete, .detokenize], outcomes: [.refused],
      reasons: ["token-not-found"])
    #expect(names([rule], Entry()) == ["a"])
    #expect(names([rule], Entry(operation: .tokenize)) == [])
    #expect(names([rule], Entry(outcome: .released)) == [])
    #expect(names([rule], Entry(reason: "quota-exceeded")) == [])
    #expect(names([rule], Entry(reason: nil)) == [])
    #expect(names([AlarmRule(name: "b", keys: true)], Entry()) == [])
    #expect(names([AlarmRule(name: "b", keys: true)], Entry(hasKey: true)) == ["b"])
    #expect(names([AlarmRule(name: "c", honeytokens: true)], Entry()) == [])
    #expect(
      names([AlarmRule(name: "c", honeytokens: true)], Entry(namesHoneytoken: true)) == ["c"])
  }

  @Test func `as many rules as there may be match as each of them does alone`() {
    let operations: [[AuditOperation]] = [[], [.detokenize], [.delete], [.tokenize, .detokenize]]
    let outcomes: [[AuditOutcome]] = [[], [.refused], [.released, .intent], [.refused, .created]]
    let reasons = [[], ["token-not-found"], ["quota-exceeded", "card-expired"], ["x"]]
    var rules: [AlarmRule] = []
    for index in 0..<AlarmRule.most {
      rules.append(
        AlarmRule(
          name: "rule-\(index)", operations: operations[index % 4],
          outcomes: outcomes[index / 4 % 4], reasons: reasons[index / 16 % 4],
          honeytokens: index % 7 == 3, keys: index % 5 == 4))
    }
    for operation in [AuditOperation.tokenize, .detokenize, .delete, .seal] {
      for outcome in [AuditOutcome.refused, .created, .intent, .done] {
        for reason in [nil, "token-not-found", "card-expired", "y"] {
          for flags in 0..<4 {
            let entry = Entry(
              operation: operation, outcome: outcome, reason: reason, hasKey: flags & 1 != 0,
              namesHoneytoken: flags & 2 != 0)
            #expect(
              names(rules, entry) == rules.filter { isAbout($0, entry) }.map(\.name),
              "\(entry)")
          }
        }
      }
    }
  }

  @Test func `no rule is about anything where there is none`() {
    #expect(names([], Entry(hasKey: true, namesHoneytoken: true)) == [])
  }
}
