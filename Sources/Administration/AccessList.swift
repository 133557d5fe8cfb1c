/// Who is operator and who is auditor on this host.
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

  /// Names who has a role; nobody has one without being named, root included.
  package init(operators: [Member], auditors: [Member]) {
    self.operators = operators
    self.auditors = auditors
  }
}

/// What a user may do on the administration socket.
package enum Role: String, CaseIterable, Comparable, Sendable {
  /// Reads everything but cards, and runs rotations and reports.
  case auditor
  /// Runs the service, and may do all that auditors may.
  case `operator`

  package static func < (first: Role, second: Role) -> Bool {
    first == .auditor && second == .operator
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
  package init(identifier: UInt32, name: String?, groups: Set<String>) {
    self.identifier = identifier
    self.name = name
    self.groups = groups
  }

  /// How audit entries name the user: `user:NAME`, or `user:#ID` without a name.
  package var actor: String { "user:" + (name ?? "#\(identifier)") }
}

extension AccessList {
  /// The higher of the roles that `user` has, or nil.
  package func role(of user: HostUser) -> Role? {
    func names(_ members: [Member]) -> Bool {
      members.contains { member in
        switch member {
        case .user(let name): user.name == name
        case .group(let name): user.groups.contains(name)
        }
      }
    }
    if names(operators) { return .operator }
    return names(auditors) ? .auditor : nil
  }
}
