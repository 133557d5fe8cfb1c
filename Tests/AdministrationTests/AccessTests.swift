import AuditLog
import JSON
import Storage
import TestSupport
import Testing

@testable import Administration

@Suite("Who may do what")
struct AccessTests {
  private static let client = "spiffe://shop.example/checkout"

  private func entry(
    _ actor: String, _ operation: AuditOperation, _ outcome: AuditOutcome = .done
  ) -> AuditEntry {
    AuditEntry(actor: AuditActor(actor), operation: operation, outcome: outcome)
  }

  @Test("groups are expanded, and it is said through which one somebody has a role")
  func expansion() {
    let accounts = RoleAccounts(
      [
        AccessGrants.RoleGrant(role: "operator", members: [.user("irc"), .group("ops")]),
        AccessGrants.RoleGrant(role: "auditor", members: [.group("audit"), .group("gone")]),
        AccessGrants.RoleGrant(role: "keeper", members: [.group("silent"), .group("empty")]),
      ],
      user: { $0 == "left" ? .none : $0 == "far" ? .unknown : .found(7) },
      members: { group in
        switch group {
        case "ops": .found(["games", "irc", "left"])
        case "audit": .found(["far", "games"])
        case "empty": .found([])
        case "silent": .unknown
        default: .none
        }
      })
    #expect(accounts.accounts.map(\.name) == ["far", "games", "irc", "left"])
    #expect(accounts.accounts.map(\.exists) == [nil, true, true, false])
    #expect(
      accounts.accounts[1].reasons == [
        RoleAccounts.Reason(role: "operator", group: "ops"),
        RoleAccounts.Reason(role: "auditor", group: "audit"),
      ])
    #expect(
      accounts.accounts[2].reasons == [
        RoleAccounts.Reason(role: "operator", group: nil),
        RoleAccounts.Reason(role: "operator", group: "ops"),
      ])
    #expect(
      accounts.groups.map { "\($0.name) \($0.role) \($0.members.map(String.init) ?? "-")" } == [
        "ops operator 3", "audit auditor 2", "gone auditor -", "silent keeper -", "empty keeper 0",
      ])
  }

  @Test("the host's databases list who is in a group, and know which groups there are")
  func hostGroups() throws {
    let user = HostUser.current
    let name = try #require(user.name)
    let group = try #require(user.groups.first)
    guard case .found(let members) = HostNames.members(group) else {
      Issue.record("the group \(group) of this process is not known")
      return
    }
    #expect(members.contains(name))
    #expect(members == members.sorted() && Set(members).count == members.count)
    #expect(HostNames.members("no-such-group-here") == .none)
  }

  @Test("the newest entry of each is found, whoever wrote in between, and of nobody else")
  func newest() throws {
    let service = try TestService()
    let odd = "user:a\"b\\c"
    try service.record([
      entry("user:ann", .seal), entry(odd, .unseal), entry(Self.client, .tokenize, .created),
      entry("user:ann", .keysRotate), entry(Self.client + "2", .tokenize, .created),
    ])
    try service.record(
      (0..<10_000).map { _ in entry("spiffe://shop.example/other", .delete, .refused) })
    try service.record([entry("user:anna", .approve)])
    let reader = AuditReader(service.store)
    var told: [UInt64] = []
    let found = try reader.newestEntries(
      of: ["user:ann", odd, Self.client, "user:nobody", "user:an"], below: reader.size()
    ) { told.append($0) }
    #expect(found.count == 3)
    #expect(found["user:ann"]?.operation == .keysRotate)
    #expect(found[odd]?.sequence == 1)
    #expect(found[Self.client]?.operation == .tokenize && found[Self.client]?.sequence == 2)
    #expect(told == told.sorted() && told.count >= 2)
    // Entries from the end on do not count.
    let before = try reader.newestEntries(of: ["user:ann"], below: 3) { _ in }
    #expect(before["user:ann"]?.operation == .seal)
    #expect(try reader.newestEntries(of: ["user:ann"], below: 0) { _ in }.isEmpty)
  }

  @Test("the answer names accounts, groups and clients, and leaves an entry first")
  func answer() throws {
    let service = try TestService(entries: 3)
    var hooks = AdministrationHooks(clock: .real)
    hooks.record = { [service] in try service.record([$0]) }
    hooks.access = {
      AccessGrants(
        roles: [
          AccessGrants.RoleGrant(
            role: "operator", members: [.user("nobody-here"), .group("no-such-group-here")])
        ],
        clients: [
          AccessGrants.ClientGrant(
            identity: Self.client, merchant: "shop", operations: ["tokenize", "delete"]),
          AccessGrants.ClientGrant(
            identity: "spiffe://north/a", acquirer: "north", operations: ["detokenize"]),
        ])
    }
    var collected = Collected()
    try Operations(store: service.store, hooks: hooks).run(ShowAccess(), actor: "user:ann") {
      collected.take($0)
    }
    let begins = RFC3339.string(unixMilliseconds: 1_795_459_405_123)
    #expect(
      collected.documents == [
        """
        {"log_entries":3,"log_begins":"\(begins)","clients_archived_until":null,"accounts":[{"account":\
        "user:nobody-here","exists":false,"roles":[{"role":"operator","through":null}],"last_use":null}],\
        "groups":[{"group":"group:no-such-group-here","role":"operator","members":null}],"clients":[\
        {"client":"\(Self.client)","merchant":"shop","acquirer":null,"operations":["tokenize","delete"],\
        "last_use":{"time":"\(begins)","operation":"delete","outcome":"refused"}},{"client":\
        "spiffe://north/a","merchant":null,"acquirer":"north","operations":["detokenize"],"last_use":null}]}
        """
      ])
    #expect(try service.lines(from: 3).count == 1)
    #expect(try service.lines(from: 3)[0].contains(#""actor":"user:ann","operation":"access""#))
  }
}
