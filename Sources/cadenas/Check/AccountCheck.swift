import Administration
import ConfigurationReading
import Glibc
import SystemCalls

/// Looks at who administers the service, and at the place of the socket over which they do.
struct AccountCheck {
  let configuration: ServiceConfiguration
  /// Whether a service has made the socket: then its place and group are right.
  let isRunning: Bool

  private var settings: AdministrationSettings { configuration.administration }

  func run() -> [Finding] {
    settings.roles.flatMap { role in
      roles(
        role.key, role.members,
        role.key == "operators" ? "nobody can seal the vault, back it up or destroy a key" : nil)
    } + group + (isRunning ? [] : place)
  }

  /// Who is in a list and no user or group of this host.
  ///
  /// - Parameter consequence: what it means when none of them is; nil where others can do the same.
  private func roles(
    _ list: String, _ members: [AdministrationActor], _ consequence: String?
  ) -> [Finding] {
    let answers = members.map { member in (member, Self.answer(member)) }
    var findings = answers.compactMap { member, answer -> Finding? in
      switch answer {
      case .found: return nil
      case .none:
        return Finding(
          .warning, .host,
          "administration.\(list): there is no \(member.text) on this host",
          remedy: "correct the name, or make the account with useradd or groupadd --system")
      case .unknown:
        return .unseen(
          .host, "administration.\(list): the \(member.text) could not be looked up",
          remedy: "ask getent, and mend the host's user database")
      }
    }
    if let consequence, answers.allSatisfy({ $0.1 == .none }) {
      findings.append(
        Finding(
          .error, .host,
          "administration.\(list) names nobody on this host: \(consequence)",
          remedy: "name a user, or a group as @NAME"))
    }
    return findings
  }

  private static func answer(_ member: AdministrationActor) -> HostNames.Answer {
    switch member {
    case .user(let name): HostNames.user(name)
    case .group(let name): HostNames.group(name)
    }
  }

  // MARK: - The socket

  private var group: [Finding] {
    guard let name = settings.socketGroup else { return [] }
    switch HostNames.group(name) {
    case .none:
      return [
        Finding(
          .error, .host, "administration.socket_group: there is no group \(name) on this host",
          remedy: "make it with: groupadd --system \(name)")
      ]
    case .unknown:
      return [
        .unseen(
          .host, "administration.socket_group: the group \(name) could not be looked up",
          remedy: "ask getent, and mend the host's user database")
      ]
    case .found:
      // Who runs this need not be who runs the service.
      guard !isRunning, owner.identifier != 0, !owner.groups.contains(name) else { return [] }
      return [
        Finding(
          .warning, .host,
          "administration.socket_group: the user \(owner.text) of the service is not a member of "
            + "\(name), and could not give it the socket",
          remedy: "set SupplementaryGroups=\(name) in the service's unit (the sample does), or: "
            + "usermod -aG \(name) \(owner.text)")
      ]
    }
  }

  private var place: [Finding] {
    let directory = Directory.containing(settings.socketPath)
    var status = stat()
    if unsafe stat(directory, &status) != 0 {
      return [
        Finding(
          .warning, .host,
          "administration.socket: the directory \(directory) cannot be used (\(systemMessage(errno)))",
          remedy: "the sample unit makes it (RuntimeDirectory); without it: install -d -o "
            + "\(owner.text) -m 0755 \(directory)")
      ]
    }
    guard owner.identifier != 0, status.st_uid != owner.identifier, status.st_mode & 0o022 == 0
    else { return [] }
    return [
      Finding(
        .warning, .host,
        "administration.socket: the directory \(directory) belongs to another user than the "
          + "service's, which is \(owner.text)",
        remedy: "chown \(owner.text) \(directory), or name a directory of its own")
    ]
  }

  /// The user of the service: who owns the store, or is about to make it.
  private var owner: HostUser {
    var status = stat()
    guard unsafe stat(configuration.store.path, &status) == 0 else { return .current }
    let known = try? HostUser(lookingUp: status.st_uid, group: status.st_gid)
    return known ?? HostUser(identifier: status.st_uid, name: nil, groups: [])
  }
}

extension AdministrationActor {
  fileprivate var text: String {
    switch self {
    case .user(let name): "user \(name)"
    case .group(let name): "group \(name)"
    }
  }
}
