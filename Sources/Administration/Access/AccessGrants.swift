/// Who may do what, as a configuration says it.
package struct AccessGrants: Sendable {
  /// A role and who has it.
  package struct RoleGrant: Sendable {
    let role: String
    let members: [AccessList.Member]

    /// A role of this name.
    package init(role: String, members: [AccessList.Member]) {
      self.role = role
      self.members = members
    }
  }

  /// The identity of a client, for whom it speaks, and what it may ask for.
  package struct ClientGrant: Sendable {
    let identity: String
    let merchant: String?
    let acquirer: String?
    let operations: [String]

    /// A client of a merchant, or an acquirer's own.
    package init(
      identity: String, merchant: String? = nil, acquirer: String? = nil, operations: [String]
    ) {
      self.identity = identity
      self.merchant = merchant
      self.acquirer = acquirer
      self.operations = operations
    }
  }

  package let roles: [RoleGrant]
  let clients: [ClientGrant]

  /// Everybody, in the order in which they are shown.
  package init(roles: [RoleGrant], clients: [ClientGrant]) {
    self.roles = roles
    self.clients = clients
  }
}

/// The accounts that have roles on this host, groups expanded.
package struct RoleAccounts: Sendable {
  /// A role of an account, and the group through which it has that; nil where it is named itself.
  package struct Reason: Equatable, Sendable {
    package let role: String
    package let group: String?
  }

  /// One that has a role.
  package struct Account: Equatable, Sendable {
    package let name: String
    /// What the host knows of it.
    package let answer: HostNames.Answer
    package let reasons: [Reason]

    /// Whether the host knows it; nil where that could not be found out.
    var exists: Bool? {
      switch answer {
      case .found: true
      case .none: false
      case .unknown: nil
      }
    }
  }

  /// A group that has a role.
  package struct Group: Equatable, Sendable {
    package let name: String
    package let role: String
    /// How many accounts are in it; nil where the host knows no such group, or could not say.
    package let members: Int?
    /// Whether there may be such a group.
    package let isKnown: Bool
  }

  /// Ordered by name.
  package private(set) var accounts: [Account] = []
  package private(set) var groups: [Group] = []

  /// Asks the host's databases, or what is given in their place.
  package init(
    _ grants: [AccessGrants.RoleGrant],
    user: (String) -> HostNames.Answer = HostNames.user,
    members: (String) -> HostNames.Members = HostNames.members
  ) {
    var reasons: [String: [Reason]] = [:]
    for grant in grants {
      for member in grant.members {
        switch member {
        case .user(let name):
          reasons[name, default: []].append(Reason(role: grant.role, group: nil))
        case .group(let group):
          let answer = members(group)
          var count: Int?
          if case .found(let names) = answer {
            count = names.count
            for name in names {
              reasons[name, default: []].append(Reason(role: grant.role, group: group))
            }
          }
          groups.append(
            Group(name: group, role: grant.role, members: count, isKnown: answer != .none))
        }
      }
    }
    accounts = reasons.sorted { $0.key < $1.key }.map { name, reasons in
      Account(name: name, answer: user(name), reasons: reasons)
    }
  }
}
