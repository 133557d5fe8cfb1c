import AuditLog
import Cryptography
import Ledgers
import RecordFormat
import Testing
import VaultCore
import VaultManagement

@testable import Administration

@Suite("Requests to the administration socket")
struct AdminRegistryTests {
  static let checkpoint = try? SignedCheckpoint(
    parsing: Array(
      """
      cadenas/0102030405060708090a0b0c0d0e0f10
      1
      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

      — cadenas/0102030405060708090a0b0c0d0e0f10 AAAAAAAA

      """.utf8))

  static let key = KeyIdentifier(0x0102_0304)
  static let reason = KeyReason(ticket: "CHG-12", text: "shredded on 2026-11-25, tape 7") ?? .none
  static let order = KeyOrder(key: key, reason: reason)
  static let query = {
    var query = AuditQuery()
    query.filter.actor = "user:é &=?%+#"
    query.filter.fromMilliseconds = -5
    query.filter.toMilliseconds = 1_795_459_405_123
    query.filter.operation = "tokenize"
    query.filter.merchant = "shop"
    query.filter.token = "tok_1"
    query.filter.key = "00000001"
    query.filter.outcome = "created"
    query.limit = 10
    return query
  }()
  static let followed = {
    var followed = query
    followed.follows = true
    return followed
  }()

  /// Some of every kind.
  static let examples: [any AdminOperation] = [
    ShowAudit(followed), ReportAudit(from: 1, to: 2), SignCheckpoint(), ProveAudit(.entry(7)),
    ProveAudit(.token("tok_1")), ProveAudit(.size(9)), ExportAudit(), FindArchivable(before: 5),
    ArchiveAudit(below: 12, export: .zero), VerifyAudit(since: checkpoint), ShowStatus(),
    ShowMetrics(), ShowKeys(), VerifyAudit(since: nil), ShowStore(), VerifyStore(),
    ShowAudit(AuditQuery()), ShowAudit(query), ShowPublicKeys(), ShowInventory(),
    ShowKeyHistory(nil), ShowKeyHistory(KeyIdentifier(10)),
    ShowKeyCertificate(KeyIdentifier(10), nil),
    ShowKeyCertificate(KeyIdentifier(0xFFFF_FFFF), .final),
    ShowKeyCertificate(KeyIdentifier(0), .interim), RotateKey(.data, to: nil),
    RotateKey(.kek, to: key), Reencrypt(cardsPerSecond: 0), Reencrypt(cardsPerSecond: 1 << 32),
    StopReencryption(), DeactivateKey(order), CompromiseKey(order),
    DestroyKey(order, execute: true),
    DestroyKey(KeyOrder(key: key, reason: .none), execute: false), ListApprovals(),
    ShowAcquirers(), TestAcquirer("a b"),
    Approve("0102030a"), Reject("0102030a", because: reason), Seal(), Unseal(),
    EnterUnsealShare(), EnterCeremonyShare(), ReplaceCustodians(),
  ]

  @Test("are read as they were written", arguments: examples)
  func roundTrip(operation: any AdminOperation) throws { try operation.checkRoundTrip() }

  @Test("have each a place of their own, and an example in these tests")
  func registry() throws {
    let examples =
      try Self.examples + StoreRequestTests.examples() + HoneytokenRequestTests.examples()
    let known = AdminRegistry.operations.map { "\($0)" }
    #expect(Set(known) == Set(examples.map { "\(type(of: $0))" }))
    #expect(Set(known).count == known.count)
    let routes = AdminRegistry.operations.map { "\($0.route.method) \($0.route.path)" }
    #expect(Set(routes).count == routes.count)
  }

  @Test("that open or close something, or remove something, are for operators")
  func leastRoles() {
    let operators = Self.examples.filter { $0.terms.role == .operator }
    #expect(
      operators.map { $0.route.path } == [
        "/v1/audit/archive", "/v1/keys/destroy", "/v1/seal", "/v1/unseal", "/v1/ceremony",
      ])
    #expect(Self.examples.allSatisfy { !$0.terms.isWriting })
  }

  @Test("are refused when the query has no valid form")
  func malformed() {
    for query in [
      "limit=0", "limit=x", "limit=1000001", "from=yesterday", "token", "token=a&token=b",
      "other=1", "actor=%G0", "actor=%4", "actor=%FF",
    ] {
      #expect(throws: AdministrationError.self, "\(query)") {
        try AdminRegistry.parse(method: "GET", target: "/v1/audit?\(query)")
      }
    }
  }

  @Test("about a key are refused when they name it in another form")
  func malformedKey() {
    for target in [
      "certificate", "certificate?key=1", "certificate?key=0000000A", "certificate?kind=final",
      "certificate?key=0000000a&kind=other", "certificate?key=0000000a&kind=final&kind=final",
      "certificate?key=0000000a&x",
      "history?key=", "history?0000000a", "history?key=0000000a&x=1",
    ] {
      #expect(throws: AdministrationError.self, "\(target)") {
        try AdminRegistry.parse(method: "GET", target: "/v1/keys/\(target)")
      }
    }
  }

  @Test("are unknown with another method, path or an unexpected query")
  func unknown() throws {
    for (method, target) in [
      ("POST", "/v1/status"), ("GET", "/v1/audit/verify"), ("GET", "/"), ("GET", "/v1/status?x=1"),
    ] {
      #expect(try AdminRegistry.parse(method: method, target: target) == nil, "\(method) \(target)")
    }
  }

  @Test("find the highest role of a user by name and by group")
  func roles() {
    let access = AccessList(operators: [.user("vaultops")], auditors: [.group("audit")])
    func role(_ name: String?, _ groups: Set<String>) -> Role? {
      access.role(of: HostUser(identifier: 1, name: name, groups: groups))
    }
    #expect(role("vaultops", []) == .operator)
    #expect(role("vaultops", ["audit"]) == .operator)
    #expect(role("ann", ["audit"]) == .auditor)
    #expect(role("audit", ["vaultops"]) == nil)
    #expect(role("root", ["root"]) == nil)
    #expect(role(nil, []) == nil)
  }
}

extension AdminOperation {
  /// What a client sends is read as the same operation.
  func checkRoundTrip() throws {
    let parsed = try AdminRegistry.parse(method: route.method, target: target)
    #expect(parsed as? Self == self)
    #expect(!target.contains(" "))
    #expect(Set(fields.map(\.0)).isSubset(of: route.names))
  }
}
