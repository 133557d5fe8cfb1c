import AuditLog
import Cryptography
import Keyring
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
    query.filter.acquirer = "north"
    query.filter.payment = "pay_1"
    query.filter.request = "r&1"
    query.filter.outcome = "created"
    query.filter.reason = "ticket=CHG 7"
    query.limit = 10
    return query
  }()
  static let followed = {
    var followed = query
    followed.follows = true
    return followed
  }()

  static let ceremony = makeCeremony(period: nil)
  static let lastingCeremony = makeCeremony(period: 86_400)

  private static func makeCeremony(period: UInt64?) -> CeremonyOrder {
    let names = ["demo vault", "custodian-1", "the second"].compactMap { CustodyName($0) }
    guard
      let plan = try? CustodyPlan(vault: names[0], threshold: 2, custodians: [names[1], names[2]])
    else { preconditionFailure("the plan is a valid one") }
    return CeremonyOrder(plan, cryptoperiodSeconds: period)
  }

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
    ShowAcquirers(), TestAcquirer("a b"), ShowAccess(), ShowOwnStatus(),
    Approve("0102030a"), Reject("0102030a", because: reason), Seal(), Unseal(),
    EnterUnsealShare(), EnterCeremonyShare(), ShowShares(), ReplaceCustodians(),
    AskForCeremony(ceremony, because: reason), AskForCeremony(lastingCeremony, because: .none),
    Seal(because: reason), Unseal(because: reason), RotateKey(.data, to: nil, because: reason),
    Reencrypt(cardsPerSecond: 5, because: reason), StopReencryption(because: reason),
    ArchiveAudit(below: 12, export: .zero, because: reason),
    Approve("0102030a", because: reason), EnterUnsealShare(because: reason),
    EnterCeremonyShare(because: reason), ReplaceCustodians(because: reason),
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
  func leastRights() {
    func paths(_ right: Right) -> [String] {
      Self.examples.filter { $0.terms.right == right }.reduce(into: []) { paths, operation in
        if !paths.contains(operation.route.path) { paths.append(operation.route.path) }
      }
    }
    #expect(
      paths(.operate) == [
        "/v1/audit/archive", "/v1/keys/destroy", "/v1/seal", "/v1/unseal", "/v1/ceremony",
        "/v1/ceremony/request",
      ])
    #expect(paths(.enterShares) == ["/v1/unseal/share", "/v1/ceremony/share", "/v1/shares"])
    #expect(paths(.watch) == ["/v1/status", "/v1/metrics", "/v1/status/own"])
    #expect(Self.examples.allSatisfy { !$0.terms.isWriting })
  }

  @Test("that change something name a ticket and a reason, and no others do")
  func reasons() throws {
    let examples =
      try Self.examples + StoreRequestTests.examples() + HoneytokenRequestTests.examples()
    for operation in examples {
      let takesReason = operation.route.names.contains("ticket")
      #expect(takesReason || operation.reason == nil, "\(operation.route.path)")
      let isDryRun = operation.isDryRun || operation.route.path == "/v1/keys/destroy"
      #expect(
        !takesReason || operation.reason != nil || isDryRun, "\(operation.route.path)")
      // Whatever opens a store for writing, or is for operators alone, changes something.
      if operation.terms.isWriting || operation.terms.right == .operate {
        #expect(operation.reason != nil, "\(operation.route.path)")
      }
    }
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

  @Test("find the roles of a user by name and by group")
  func roles() {
    var access = AccessList(
      operators: [.user("vaultops")], auditors: [.group("audit")],
      monitors: [.user("prometheus")])
    func roles(_ name: String?, _ groups: Set<String>) -> Set<Role> {
      access.roles(of: HostUser(identifier: 1, name: name, groups: groups))
    }
    #expect(roles("vaultops", []) == [.operator])
    #expect(roles("vaultops", ["audit"]) == [.operator, .auditor])
    #expect(roles("ann", ["audit"]) == [.auditor])
    #expect(roles("audit", ["vaultops"]) == [])
    #expect(roles("root", ["root"]) == [])
    #expect(roles(nil, []) == [])
    #expect(roles("prometheus", []) == [.monitor])
    access.custodians = [.user("prometheus")]
    #expect(roles("prometheus", []) == [.custodian, .monitor])
  }

  @Test("are permitted to each role alone as far as it goes")
  func rights() {
    var access = AccessList(
      operators: [.user("operator")], auditors: [.user("auditor")],
      custodians: [.user("custodian"), .user("both")],
      monitors: [.user("monitor")])
    access.auditors.append(.user("both"))
    func role(_ name: String, _ right: Right) -> Role? {
      access.role(of: HostUser(identifier: 1, name: name, groups: []), permitting: right)
    }
    #expect(Right.allCases.map { role("custodian", $0) } == [nil, .custodian, nil, nil])
    #expect(Right.allCases.map { role("monitor", $0) } == [.monitor, nil, nil, nil])
    #expect(Right.allCases.map { role("auditor", $0) } == [.auditor, nil, .auditor, nil])
    #expect(Right.allCases.map { role("operator", $0) } == [.operator, nil, .operator, .operator])
    // In the places of the custodians, whatever else they are.
    #expect(Right.allCases.map { role("both", $0) } == [.auditor, .custodian, .auditor, nil])
    // As it was before there were custodians.
    access.custodians = []
    #expect(role("auditor", .enterShares) == .auditor)
    #expect(role("operator", .enterShares) == .operator)
    #expect(role("monitor", .enterShares) == nil)
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
