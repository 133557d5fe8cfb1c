internal import Glibc

/// Opens the administration socket: mode 0660, owned by the configured group.
enum AdminSocket {
  /// How many connections may wait to be accepted.
  static let backlog: Int32 = 64

  /// Binds a socket at `path`, and returns its descriptor, which does not listen yet: nobody can
  /// connect before mode and group are right.
  ///
  /// The file that a dead process left is removed; one where a process answers is not.
  static func bind(path: String, group: String?) throws(AdminSocketError) -> Int32 {
    guard let address = UnixAddress(path: path) else { throw .pathTooLong(path) }
    var owner: UInt32?
    if let group {
      guard case .found(let identifier) = HostNames.group(group) else {
        throw .unknownGroup(group)
      }
      owner = identifier
    }
    try removeStale(path)
    let descriptor = try open(path: path)
    do throws(AdminSocketError) {
      try check(
        unsafe address.withSocketAddress { unsafe Glibc.bind(descriptor, $0, $1) }, "bind", path)
      try check(unsafe chmod(path, 0o660), "chmod", path)
      if let owner { try check(unsafe chown(path, uid_t.max, owner), "chown", path) }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Connects to the socket at `path`.
  static func connect(path: String) throws(AdminSocketError) -> Int32 {
    guard let address = UnixAddress(path: path) else { throw .pathTooLong(path) }
    let descriptor = try open(path: path)
    let status = unsafe address.withSocketAddress { unsafe Glibc.connect(descriptor, $0, $1) }
    if status == 0 { return descriptor }
    let reason = errno
    close(descriptor)
    switch reason {
    case ENOENT, ECONNREFUSED, ENOTDIR: throw .noService(path)
    case EACCES, EPERM: throw .permissionDenied(path)
    case EAGAIN: throw .noAnswer(path)
    default: throw .system(call: "connect", path: path, errno: reason)
    }
  }

  private static func removeStale(_ path: String) throws(AdminSocketError) {
    do throws(AdminSocketError) {
      close(try connect(path: path))
    } catch {
      guard case .noService = error else { throw error }
      var status = stat()
      guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
      try check(unsafe unlink(path), "unlink", path)
      return
    }
    throw .inUse(path)
  }

  private static func open(path: String) throws(AdminSocketError) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    try check(descriptor, "socket", path)
    return descriptor
  }

  private static func check(
    _ status: Int32, _ call: String, _ path: String
  ) throws(AdminSocketError) {
    guard status >= 0 else { throw .system(call: call, path: path, errno: errno) }
  }
}
