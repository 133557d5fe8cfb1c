import Administration
import ConfigurationReading
import Glibc
import SystemCalls

/// Looks at who may change the files that a configuration is made of, and the directories on the way to
/// them: whoever may write `cadenas.yaml` has every right that it grants.
struct FileCheck {
  /// What is known of a file or directory.
  struct Facts: Equatable {
    var owner: UInt32
    var mode: UInt32
    var isDirectory: Bool
  }

  /// That the system tells nothing of it, and the number of its error.
  struct Unseen: Error, Equatable {
    let errno: Int32
  }

  /// The absolute paths of the files.
  let files: Set<String>
  /// Directories in which the service has files of its own.
  let directories: Set<String>
  /// The user of the service.
  let service: HostUser
  /// Where a path really leads; nil where that cannot be found out.
  var resolve: (String) -> String? = FileCheck.resolved
  /// What the system says of a path, or the number of its error.
  var look: (String) -> Result<Facts, Unseen> = FileCheck.facts

  /// - Parameter parts: what was read of templates; nil where they have mistakes.
  init(_ configuration: ServiceConfiguration, _ parts: ServiceParts?) {
    files = configuration.files.union(parts?.templateFiles ?? [])
    directories = Set([configuration.store.path] + configuration.keys.directories)
    service = .ofService(configuration)
  }

  init(files: Set<String>, directories: Set<String>, service: HostUser) {
    self.files = files
    self.directories = directories
    self.service = service
  }

  /// An error for each that somebody else may change; where there is none, that they were looked at.
  func run() -> [Finding] {
    var seen: Set<String> = []
    let all = (files.sorted() + directories.sorted()).flatMap { places(of: $0) }
    let found = all.filter { seen.insert($0).inserted }.flatMap { findings(about: $0) }
    guard found.isEmpty else { return found }
    return [
      Finding(
        .ok, .files,
        "nobody but root and \(service.text) can change the configuration's \(files.count) files")
    ]
  }

  /// Where a path and each directory on the way to it really are, and the directories above these: whoever
  /// may change one of them decides what the path leads to.
  private func places(of path: String) -> [String] {
    Self.way(to: path).flatMap { Self.way(to: resolve($0) ?? $0) }
  }

  /// A path, and the directories above it.
  private static func way(to path: String) -> [String] {
    var way = [path]
    while let last = way.last, last != "/", last != "." { way.append(Directory.containing(last)) }
    return way
  }

  private func findings(about path: String) -> [Finding] {
    switch look(path) {
    // A directory that comes with the store, or with the first key.
    case .failure(let failure) where failure.errno == ENOENT: []
    case .failure(let failure):
      [
        .unseen(
          .files, "who may change \(path) was not seen: \(systemMessage(failure.errno))",
          remedy: "run this as the user of the service")
      ]
    case .success(let facts): mode(of: path, facts) + owner(of: path, facts)
    }
  }

  private func mode(of path: String, _ facts: Facts) -> [Finding] {
    // In a directory with the sticky bit, only the owner of a file renames or removes it.
    guard facts.mode & 0o022 != 0, !(facts.isDirectory && facts.mode & 0o1000 != 0) else {
      return []
    }
    let who = facts.mode & 0o002 != 0 ? "everybody" : "its group"
    let mode = "mode 0\(String(facts.mode, radix: 8))"
    let consequence =
      facts.isDirectory ? "and put other files in the place of those in it" : "and all that it says"
    return [
      Finding(
        .error, .files,
        "\(facts.isDirectory ? "the directory " : "")\(path) may be changed by \(who) (\(mode)), "
          + consequence, remedy: "chmod go-w \(path)")
    ]
  }

  private func owner(of path: String, _ facts: Facts) -> [Finding] {
    guard facts.owner != 0, facts.owner != service.identifier else { return [] }
    let owner = HostUser.named(facts.owner)
    return [
      Finding(
        .error, .files,
        "\(facts.isDirectory ? "the directory " : "")\(path) belongs to \(owner.text), who is neither "
          + "root nor the user of the service, which is \(service.text)",
        remedy: "chown root \(path)")
    ]
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func facts(_ path: String) -> Result<Facts, Unseen> {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      return .failure(Unseen(errno: errno))
    }
    return .success(
      Facts(
        owner: status.st_uid, mode: status.st_mode & 0o7777,
        isDirectory: status.st_mode & S_IFMT == S_IFDIR))
  }
}

extension KeySource {
  /// Where it keeps files.
  fileprivate var directories: [String] {
    switch self {
    case .directory(let path): [path]
    case .credentials: []
    case .custodians(_, let formerPath): formerPath.map { [$0] } ?? []
    }
  }
}

extension HostUser {
  /// The user of the service: who owns the store or, where there is none yet, the directory for it, if that
  /// is not root's.
  static func ofService(_ configuration: ServiceConfiguration) -> HostUser {
    let path = configuration.store.path
    var status = stat()
    if unsafe stat(path, &status) == 0 { return named(status.st_uid) }
    if unsafe stat(Directory.containing(path), &status) == 0, status.st_uid != 0 {
      return named(status.st_uid)
    }
    return .current
  }

  /// The user with this number.
  static func named(_ identifier: UInt32) -> HostUser {
    let known = try? HostUser(lookingUp: identifier, group: .max)
    return known ?? HostUser(identifier: identifier, name: nil, groups: [])
  }

  /// For messages.
  var text: String { name ?? "#\(identifier)" }
}
