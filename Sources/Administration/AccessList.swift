/// Who has which role on this host.
package struct AccessList: Equatable, Sendable {
  /// A user, or every member of a group.
  package enum Member: Hashable, Sendable {
    case user(String)
    case group(String)
  }

  /// Who runs the service.
  package var operators: [Member]
  /// Who reads everything but cards.
  package var auditors: [Member]
  /// Who enters shares. Where nobody is named, operators and auditors do.
  package var custodians: [Member]
  /// Who watches the service.
  package var monitors: [Member]

  /// Names who has a role; nobody has one without being named, root included.
  package init(
    operators: [Member], auditors: [Member], custodians: [Member] = [], monitors: [Member] = []
  ) {
    self.operators = operators
    self.auditors = auditors
    self.custodians = custodians
    self.monitors = monitors
  }

  /// Those of a role.
  func members(_ role: Role) -> [Member] {
    switch role {
    case .operator: operators
    case .auditor: auditors
    case .custodian: custodians
    case .monitor: monitors
    }
  }
}

/// What a user is on the administration socket. One may be several things, and nothing follows from one
/// for another but what ``AccessList/permits(_:_:)`` says.
package enum Role: String, CaseIterable, Sendable {
  /// Runs the service, and may do all that auditors may.
  case `operator`
  /// Reads everything but cards, and runs rotations and reports.
  case auditor
  /// Enters shares of the KEK.
  case custodian
  /// Sees how the service is, for whoever watches it.
  case monitor
}

/// What an operation takes of whoever asks it.
package enum Right: CaseIterable, Sendable {
  /// To see how the service is: status and metrics.
  case watch
  /// To enter a share, and to see how many are missing.
  case enterShares
  /// To read everything but cards, to rotate and to approve.
  case audit
  /// To run the service.
  case operate

  /// The roles that may have it, that in whose places it is asked first: a custodian's are kept for
  /// shares, whatever else they are.
  fileprivate var roles: [Role] {
    switch self {
    case .watch: [.operator, .auditor, .monitor]
    case .enterShares: [.custodian, .operator, .auditor]
    case .audit: [.operator, .auditor]
    case .operate: [.operator]
    }
  }
}

/// A user of this host, as the system knows them.
package struct HostUser: Equatable, Sendable {
  /// The numerical id.
  package let identifier: UInt32
  /// The login name; nil for an id without one.
  package let name: String?
  /// The names of the groups that the user is a member of.
  package let groups: Set<String>

  /// Describes a user.
  package init(identifier: UInt32, name: String? = nil, groups: Set<String> = []) {
    self.identifier = identifier
    self.name = name
    self.groups = groups
  }
}

extension AccessList {
  /// Every role that `user` has.
  func roles(of user: HostUser) -> Set<Role> {
    Set(
      Role.allCases.filter { role in
        members(role).contains { member in
          switch member {
          case .user(let name): user.name == name
          case .group(let name): user.groups.contains(name)
          }
        }
      })
  }

  /// Whether a role permits something.
  ///
  /// Installations of before there were custodians have none: there operators and auditors enter shares.
  func permits(_ role: Role, _ right: Right) -> Bool {
    guard right.roles.contains(role) else { return false }
    return right != .enterShares || role == .custodian || custodians.isEmpty
  }

  /// The role of `user` that permits something, in whose places it is done; nil where none does.
  package func role(of user: HostUser, permitting right: Right) -> Role? {
    let roles = roles(of: user)
    return right.roles.first { roles.contains($0) && permits($0, right) }
  }
}
