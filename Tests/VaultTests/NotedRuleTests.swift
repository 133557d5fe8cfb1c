import AuditLog
import Bytes
import Cryptography
import Storage
import Testing

@testable import VaultCore
@testable import VaultManagement

/// What a start or a reload with other rules leaves in the log, and in the store for the next one.
@Suite struct NotedRuleTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private static func digest(_ number: UInt8) -> Digest256 {
    Digest256.sha256([number].rawSpan)
  }

  private func note(_ texts: [String], file: UInt8 = 1) throws {
    try house.vault.note(
      RulesInForce(
        configuration: Self.digest(file),
        rules: Set(texts.map { Rule($0, merchant: $0.contains("shop") ? "shop" : nil) })))
  }

  /// Entries as `operation outcome reason`.
  private func told() throws -> [String] {
    try AuditReader(try house.store).page().entries
      .filter { $0.operation == .configuration || $0.operation == .configurationRule }
      .map { entry in
        #expect(entry.actor == "system")
        return "\(entry.operationText) \(entry.outcomeText) \(entry.reason ?? "")"
          + (entry.merchant.map { " merchant=\($0)" } ?? "")
      }
  }

  @Test func `where nothing is known yet, one entry says what there is`() throws {
    try note(["role operator user:ann", "approvals destroy 2"])
    let rules = RulesInForce(
      configuration: Self.digest(1),
      rules: [Rule("role operator user:ann"), Rule("approvals destroy 2")])
    #expect(
      try told() == [
        "configuration begun sha256=\(Self.digest(1).hex) rules=2 digest=\(rules.digest.hex)"
      ])
    let lines = Array("approvals destroy 2\nrole operator user:ann\n".utf8)
    #expect(rules.digest == Digest256.sha256(lines.rawSpan))
  }

  @Test func `the same rules leave nothing, after a start too`() throws {
    try note(["role operator user:ann"])
    try note(["role operator user:ann"])
    try house.reopen()
    try note(["role operator user:ann"])
    #expect(try told().count == 1)
  }

  @Test func `what changed is an entry each, what went before what came`() throws {
    try note(["role operator user:ann", "approvals destroy 2", "quota shop tokenize_per_minute=6"])
    try house.reopen()
    try note(
      [
        "role operator user:ann", "role operator user:irc", "approvals destroy 1",
        "quota shop tokenize_per_minute=5",
      ], file: 2)
    #expect(
      try Array(told().dropFirst()) == [
        "configuration changed sha256=\(Self.digest(2).hex) was=\(Self.digest(1).hex)",
        "configuration.rule removed approvals destroy 2",
        "configuration.rule added approvals destroy 1",
        "configuration.rule removed quota shop tokenize_per_minute=6 merchant=shop",
        "configuration.rule added quota shop tokenize_per_minute=5 merchant=shop",
        "configuration.rule added role operator user:irc",
      ])
    try note(["role operator user:ann"], file: 2)
    #expect(try told().suffix(3).allSatisfy { $0.hasPrefix("configuration.rule removed") })
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a file that another one was put in the place of is told without the configuration`()
    throws
  {
    try note(["template north sha256=aa"])
    try note(["template north sha256=bb"])
    #expect(
      try Array(told().dropFirst()) == [
        "configuration.rule removed template north sha256=aa",
        "configuration.rule added template north sha256=bb",
      ])
  }

  @Test func `a sealed vault tells of it too`() throws {
    try note(["role operator user:ann"])
    try house.vault.seal(actor: "user:ann")
    try note(["role operator user:irc"])
    #expect(try told().count == 3)
  }

  @Test func `so many that nobody reads them are counted, and known all the same`() throws {
    let many = (0..<1_500).map { "client shop spiffe://shop.example/\($0)" }
    try note(many)
    #expect(try told().count == 1)
    let fewer = Array(many.dropLast(VaultManager.mostRuleEntries))
    try note(fewer, file: 2)
    #expect(try told().count == 2 + VaultManager.mostRuleEntries)
    try note(["client shop spiffe://shop.example/x"], file: 2)
    #expect(
      try told().suffix(1) == ["configuration.rule counted added=1 removed=\(fewer.count)"])
    // What is nobody's in particular has its entry beside the count.
    try note(many + ["role operator user:irc"], file: 2)
    #expect(
      try told().suffix(2) == [
        "configuration.rule added role operator user:irc",
        "configuration.rule counted added=1501 removed=1",
      ])
    try note(["client shop spiffe://shop.example/x"], file: 2)
    try note([], file: 2)
    #expect(
      try told().suffix(1) == [
        "configuration.rule removed client shop spiffe://shop.example/x merchant=shop"
      ])
  }

  @Test func `a line that is too long for an entry is cut, and still differs from another one`() {
    let long = "client shop spiffe://shop.example/" + String(repeating: "é", count: 400)
    let (one, other) = (Rule(long + "a"), Rule(long + "b"))
    #expect(one != other)
    #expect(one.text.utf8.count <= AuditLimits.memberBytes)
    let digest = Digest256.sha256(Array((long + "a").utf8).rawSpan)
    #expect(one.text.hasSuffix("é… sha256=\(digest.hex)"))
    let exact = String(repeating: "x", count: AuditLimits.memberBytes)
    #expect(Rule(exact).text == exact)
  }
}
