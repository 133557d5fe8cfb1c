import Administration
import ConfigurationReading

/// Looks at how many persons stand behind the roles: an account that has several, root, and commands that
/// ask for more persons than there are.
struct RoleCheck {
  /// The most accounts that a finding names.
  private static let mostNames = 8

  let roles: [AdministrationRole]
  /// How many different persons a command needs, by its word.
  let approvals: [String: Int]
  /// Whether this is a throwaway installation, in which one account may be everybody.
  let isDevelopment: Bool
  let accounts: RoleAccounts

  init(_ configuration: ServiceConfiguration) {
    let grants = AccessGrants(configuration)
    self.init(
      roles: configuration.administration.roles,
      approvals: configuration.administration.approvals,
      isDevelopment: configuration.development, accounts: RoleAccounts(grants.roles))
  }

  init(
    roles: [AdministrationRole], approvals: [String: Int], isDevelopment: Bool,
    accounts: RoleAccounts
  ) {
    self.roles = roles
    self.approvals = approvals
    self.isDevelopment = isDevelopment
    self.accounts = accounts
  }

  func run() -> [Finding] { isDevelopment ? persons : unseen + overlaps + root + persons }

  private var unseen: [Finding] {
    accounts.groups.filter { $0.members == nil && $0.isKnown }.map { group in
      .unseen(
        .host, "who is in the group \(group.name), \(group.role), could not be looked up",
        remedy: "ask getent, and mend the host's user database")
    }
  }

  // MARK: - One account, several roles

  private func roles(of account: RoleAccounts.Account) -> [String] {
    roles.map(\.name).filter { role in account.reasons.contains { $0.role == role } }
  }

  private var overlaps: [Finding] {
    let several = accounts.accounts.filter { roles(of: $0).count > 1 }
    let byRoles = Dictionary(grouping: several) { roles(of: $0) }
    return byRoles.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { roles, accounts in
      let names = accounts.map(\.name)
      let whole = groups(within: Set(names), having: roles)
      let who =
        names.prefix(Self.mostNames).joined(separator: ", ")
        + (names.count > Self.mostNames ? " and \(names.count - Self.mostNames) more" : "")
        + (whole.isEmpty
          ? "" : ", which is everybody of \(whole.map { "@\($0)" }.joined(separator: " and "))")
      return Finding(
        .warning, .host,
        "administration: \(roles.joined(separator: " and ")) at once: \(who); what two roles keep apart, "
          + "one person does alone",
        remedy:
          "give each role accounts of its own: an operator may do what an auditor may, and needs no "
          + "second role")
    }
  }

  /// The groups with one of `roles` whose members are all among `names`.
  private func groups(within names: Set<String>, having roles: [String]) -> [String] {
    let members = Dictionary(
      grouping: accounts.accounts.flatMap { account in
        account.reasons.compactMap { reason in reason.group.map { ($0, account.name) } }
      }, by: \.0)
    let found = accounts.groups.filter { group in
      guard roles.contains(group.role), let all = members[group.name] else { return false }
      return all.allSatisfy { names.contains($0.1) }
    }
    return Set(found.map(\.name)).sorted()
  }

  private var root: [Finding] {
    accounts.accounts.filter { $0.answer == .found(0) }.map { account in
      Finding(
        .warning, .host,
        "administration: \(account.name) is \(roles(of: account).joined(separator: " and ")): whoever "
          + "becomes root acts under no name of their own",
        remedy: "name the accounts of persons, and have them act as themselves")
    }
  }

  // MARK: - Enough persons

  private var persons: [Finding] {
    let may = Set(roles.filter(\.approves).map(\.name))
    let able = accounts.accounts.filter { account in
      account.reasons.contains { may.contains($0.role) }
    }
    // One number is one person, whatever names it has.
    let count = Set(
      able.compactMap { account -> UInt32? in
        if case .found(let identifier) = account.answer { identifier } else { nil }
      }
    ).count
    let isCertain = able.allSatisfy { $0.answer != .unknown } && accounts.groups.isEmpty
    return approvals.sorted { $0.key < $1.key }.filter { $0.value > count }.map {
      command, persons in
      Finding(
        isCertain ? .error : .warning, .host,
        "administration.approvals.\(command) asks for \(persons) different persons, and there "
          + (count == 1 ? "is 1 account" : "are \(count) accounts")
          + " that may ask or approve: it can never be done",
        remedy: "name more accounts among administration.operators and auditors")
    }
  }
}
