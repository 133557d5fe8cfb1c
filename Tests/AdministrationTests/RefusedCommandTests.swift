import AuditLog
import Bytes
import CardStore
import JSON
import Keyring
import Ledgers
import RecordFormat
import Storage
import Testing
import VaultCore
import VaultManagement

@testable import Administration

/// What the log keeps of commands that come to nothing.
@Suite("Commands that are refused or fail")
struct RefusedCommandTests {
  private static func examples() throws -> [any AdminOperation] {
    try AdminRegistryTests.examples + StoreRequestTests.examples()
      + HoneytokenRequestTests.examples()
  }

  /// The entries of the log from `first` on.
  private func entries(
    _ service: TestService, from first: UInt64 = 0
  ) throws -> [LoggedEntry] {
    try AuditReader(service.store).page(from: first).entries
  }

  @Test("leave an entry for want of a role, whichever they are")
  func noRole() throws {
    let service = try TestService()
    // The user of these tests is that of the service, too, who may ask some without a role.
    let all = try Self.examples()
    let own = all.filter { $0.terms.isForOwner }
    let examples = all.filter { !$0.terms.isForOwner }
    try service.serving(operators: []) { _, client in
      #expect(own.map { $0.route.path } == ["/v1/status/own"])
      for operation in own {
        let told = try client.collect(operation).documents
        #expect(told.count == 1)
      }
      for operation in examples {
        #expect(throws: AdminClient.Failure.self) { try client.collect(operation) }
      }
    }
    let told = try entries(service)
    #expect(told.count == examples.count)
    for (operation, entry) in zip(examples, told) {
      #expect(entry.operation == operation.terms.audited)
      #expect(entry.key == nil)
      #expect(entry.actor == HostUser.currentActor.name)
      #expect(entry.outcome == .refused && entry.reason == "not-permitted")
    }
  }

  @Test("of a custodian and a monitor are all but their own")
  func custodianAndMonitor() throws {
    let me = AccessList.Member.user(HostUser.current.name ?? "")
    for (access, right) in [
      (AccessList(operators: [], auditors: [], custodians: [me]), Right.enterShares),
      (AccessList(operators: [], auditors: [], monitors: [me]), .watch),
    ] {
      let service = try TestService()
      let examples = try Self.examples()
      try service.serving(operators: []) { server, client in
        server.update(access: access)
        for operation in examples {
          // This test runs as the service's own user.
          let isPermitted = operation.terms.right == right || operation.terms.isForOwner
          do {
            _ = try client.collect(operation)
            #expect(isPermitted, "\(operation.route.path)")
          } catch AdminClient.Failure.problem(let status, _, _) {
            #expect((status == 403) != isPermitted, "\(operation.route.path)")
          }
        }
      }
      #expect(
        try entries(service).count(where: { $0.reason == "not-permitted" })
          == examples.count(where: { $0.terms.right != right && !$0.terms.isForOwner }))
    }
  }

  @Test("leave an entry for want of the higher role")
  func auditor() throws {
    let service = try TestService()
    let examples = try Self.examples().filter { $0.terms.right == .operate }
    try service.serving(operators: []) { server, client in
      server.update(
        access: AccessList(operators: [], auditors: [.user(HostUser.current.name ?? "")]))
      for operation in examples {
        #expect(throws: AdminClient.Failure.self) { try client.collect(operation) }
      }
    }
    #expect(try entries(service).map(\.operation) == examples.map(\.terms.audited))
    #expect(try entries(service).allSatisfy { $0.reason == "not-permitted" })
  }

  /// No vault runs here, so that most of them cannot be done; none may end without an entry that says
  /// what became of it.
  @Test("leave one that says what became of them, unless they tell nothing protected")
  func asThingsAre() throws {
    let service = try TestService()
    let operations = try service.operations()
    var next: UInt64 = 0
    var failed = 0
    for operation in try Self.examples() {
      var isDone = true
      do {
        try operations.run(operation, actor: "user:ann") { _ in }
      } catch { isDone = false }
      let told = try entries(service, from: next)
      next += UInt64(told.count)
      let what = "\(operation.route.method) \(operation.route.path)"
      guard operation.terms.leavesEntry else {
        #expect(told.isEmpty, "\(what)")
        continue
      }
      #expect(told.allSatisfy { $0.operation == operation.terms.audited }, "\(what)")
      let last = try #require(told.last, "\(what)")
      let isTold = last.outcome == .refused || last.outcome == .failed
      #expect(isDone != isTold, "\(what): \(last.outcomeText)")
      guard isTold else { continue }
      failed += 1
      #expect(last.key == operation.subject.key, "\(what)")
      #expect(last.token == operation.subject.token, "\(what)")
      #expect(last.reason?.hasPrefix("cause=") == true, "\(what)")
      #expect(last.reason?.hasSuffix(operation.subject.words) == true, "\(what)")
    }
    #expect(failed > 20)
  }

  @Test("for want of a ticket say so, where the configuration asks for one with every change")
  func tickets() throws {
    let service = try TestService()
    var hooks = try service.operations().hooks
    hooks.policy = { ChangePolicy(needsTicket: true) }
    let operations = Operations(store: service.store, hooks: hooks)
    for operation in try Self.examples() {
      let isRefused =
        operation.reason?.ticket.isEmpty == true && !operation.terms.isFreeOfTickets
      let next = try AuditReader(service.store).size()
      do {
        try operations.run(operation, actor: "user:ann") { _ in }
        #expect(!isRefused, "\(operation.route.path)")
      } catch {
        #expect((error == .ticketNeeded) == isRefused, "\(operation.route.path)")
      }
      let causes = try entries(service, from: next).map { $0.reason ?? "" }
      #expect(
        causes.contains { $0.hasPrefix("cause=ticket-needed") } == isRefused,
        "\(operation.route.path)")
    }
    #expect(AdministrationError.ticketNeeded.detail.contains("--ticket"))
    // What must not wait, and what is said to a request that has one.
    let free = try Self.examples().filter(\.terms.isFreeOfTickets).map(\.route.path)
    #expect(
      Set(free) == [
        "/v1/seal", "/v1/unseal/share", "/v1/ceremony/share", "/v1/approvals/approve",
        "/v1/approvals/reject",
      ])
  }

  @Test("say what stood in the way, and what they were about")
  func causes() throws {
    let service = try TestService()
    let operations = try service.operations()
    func reason(_ error: any Error, _ operation: any AdminOperation) throws -> String {
      let next = try AuditReader(service.store).size()
      operations.record(error, of: operation, actor: "user:ann")
      return try entries(service, from: next).map { "\($0.outcomeText) \($0.reason ?? "-")" }
        .joined()
    }
    let destroy = DestroyKey(AdminRegistryTests.order, execute: true)
    let why = "ticket=CHG-12 reason=shredded on 2026-11-25, tape 7"
    #expect(
      try reason(VaultError.keyNeeded(AdminRegistryTests.key, KeyNeeds()), destroy)
        == "refused cause=key-needed \(why)")
    #expect(
      try reason(VaultError.keyring(.keySource(path: "/keys", errno: 13)), RotateKey(.kek, to: nil))
        == "failed cause=key-source role=kek")
    #expect(
      try reason(VaultError.samePerson, Approve("0102030a"))
        == "refused cause=same-person approval=0102030a")
    let token = try #require(DamagedEntry("tok_01kax3zv5ye8bvkp2mszn9fqxw"))
    let remove = try RemoveDamaged([token], because: AdminRegistryTests.reason, execute: true)
    let key = AdminRegistryTests.key
    let stays: [(DamageObstacle, String)] = [
      (.record(.opens), "record-opens"), (.record(.keyMissing(key)), "key-missing"),
      (.record(.absent), "not-found"), (.row(.opens), "answer-opens"),
      (.row(.keyMissing(key)), "key-missing"), (.row(.paymentUnderWay), "payment-under-way"),
      (.row(.absent), "not-found"),
    ]
    for (obstacle, cause) in stays {
      #expect(
        try reason(VaultError.entryStays(token, obstacle), remove)
          == "refused cause=\(cause) \(why)")
    }
    #expect(try reason(StorageError.full, CompactStore()) == "failed cause=unavailable")
    #expect(try reason(AdministrationError.notFound("x"), ShowKeys()) == "refused cause=not-found")
    // Who has gone away is told nothing, and has got nothing.
    #expect(try reason(AdministrationError.abandoned, VerifyStore()) == "")
  }

  @Test("about a key of another role do not say what its role is")
  func historyOfRefusals() throws {
    var history = KeyHistory()
    func events(_ outcome: AuditOutcome, _ reason: String) throws -> [KeyEvent] {
      var line = AuditLine()
      line.write(
        AuditEntry(
          actor: "user:ann", operation: .keysRotate, key: "0000000a", outcome: outcome,
          reason: reason), sequence: 0, atMilliseconds: 0)
      let bytes = line.bytes
      let entry = LoggedEntry(line: bytes.rawSpan)
      return history.events(of: try #require(entry))
    }
    #expect(try events(.done, "role=data").map(\.role) == ["data"])
    let refused = try events(.refused, "cause=refused role=kek")
    #expect(refused.map(\.role) == ["data"] && refused.map(\.event) == ["rotate refused"])
  }
}
