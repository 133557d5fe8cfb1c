import Administration
import Testing

@testable import ConfigurationReading
@testable import cadenas

/// How many persons stand behind the roles.
@Suite struct RoleCheckTests {
  private static let identifiers: [String: UInt32] = [
    "root": 0, "ann": 1, "bob": 2, "cyd": 3, "twin": 1,
  ]
  private static let groups = ["audit": ["ann", "bob"], "ops": ["cyd"], "none": []]

  private func found(
    operators: [AdministrationActor], auditors: [AdministrationActor], destroy: Int = 1,
    isDevelopment: Bool = false
  ) -> [Finding] {
    let roles = [
      AdministrationRole(name: "operator", key: "operators", members: operators, approves: true),
      AdministrationRole(name: "auditor", key: "auditors", members: auditors, approves: true),
    ]
    let accounts = RoleAccounts(
      roles.map {
        AccessGrants.RoleGrant(role: $0.name, members: $0.members.map(AccessList.Member.init))
      },
      user: { Self.identifiers[$0].map { .found($0) } ?? .none },
      members: { Self.groups[$0].map { .found($0) } ?? .none })
    return RoleCheck(
      roles: roles, approvals: ["destroy": destroy], isDevelopment: isDevelopment,
      accounts: accounts
    ).run()
  }

  @Test func `persons of their own are no finding`() {
    #expect(found(operators: [.user("cyd")], auditors: [.group("audit")], destroy: 3).isEmpty)
    #expect(found(operators: [.group("ops")], auditors: [.user("bob")], destroy: 2).isEmpty)
  }

  @Test func `an account with two roles is one person where two are meant`() {
    let findings = found(operators: [.user("ann"), .user("cyd")], auditors: [.group("audit")])
    #expect(findings.map(\.severity) == [.warning])
    #expect(
      findings.first?.text
        == "administration: operator and auditor at once: ann; what two roles keep apart, one person "
        + "does alone")
    #expect(
      found(operators: [.group("audit")], auditors: [.group("audit")]).first?.text.contains(
        "at once: ann, bob, which is everybody of @audit;") == true)
  }

  @Test func `root acts for nobody`() {
    let findings = found(operators: [.user("root")], auditors: [.user("bob")])
    #expect(findings.count == 1)
    #expect(
      findings.first?.text.hasPrefix("administration: root is operator: whoever becomes") == true)
  }

  @Test func `more persons than there are accounts can never come together`() {
    let named = found(operators: [.user("ann")], auditors: [.user("ann")], destroy: 2)
    #expect(named.last?.severity == .error)
    #expect(
      named.last?.text
        == "administration.approvals.destroy asks for 2 different persons, and there is 1 account that "
        + "may ask or approve: it can never be done")
    // Two names of one number; somebody who is not there.
    #expect(found(operators: [.user("ann")], auditors: [.user("twin")], destroy: 2).count == 1)
    #expect(found(operators: [.user("ann")], auditors: [.user("gone")], destroy: 2).count == 1)
    // A directory service may know more of a group than it lists.
    let group = found(operators: [.user("ann")], auditors: [.group("none")], destroy: 2)
    #expect(group.map(\.severity) == [.warning])
  }

  @Test func `in a throwaway installation one account may be everybody`() {
    #expect(
      found(operators: [.user("root")], auditors: [.user("root")], isDevelopment: true).isEmpty)
  }
}
