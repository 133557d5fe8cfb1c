internal import Glibc
internal import SystemCalls

/// Why the administration socket could not be opened, or the service not be reached through it.
package enum AdminSocketError: Error, Equatable, Sendable {
  /// The path is empty or longer than 107 bytes.
  case pathTooLong(String)
  /// Another process answers on the socket.
  case inUse(String)
  /// There is no such group on this host.
  case unknownGroup(String)
  /// No process listens there.
  case noService(String)
  /// This user may not connect.
  case permissionDenied(String)
  /// The service does not answer, or broke off.
  case noAnswer(String)
  /// What answers is not the service.
  case malformedAnswer(String)
  /// A system call failed.
  case system(call: String, path: String, errno: Int32)
}

extension AdminSocketError {
  /// A sentence for an operator.
  package var explanation: String {
    switch self {
    case .pathTooLong(let path):
      "the path of the administration socket has to have 1 to 107 bytes: \(path)"
    case .inUse(let path): "another process serves the administration socket \(path)"
    case .unknownGroup(let name):
      "administration.socket_group: there is no group \(name) on this host"
    case .noService(let path): "no service is running (nothing listens on \(path))"
    case .permissionDenied(let path):
      "this user may not open \(path); it belongs to the group administration.socket_group"
    case .noAnswer(let path): "the service does not answer on \(path)"
    case .malformedAnswer(let path): "what answers on \(path) is not the service"
    case .system("bind", let path, ENOENT):
      "administration.socket: the directory of \(path) is missing; the sample unit makes it "
        + "(RuntimeDirectory); without it: install -d -m 0755 \(Directory.containing(path)), for the "
        + "user of the service"
    case .system("bind", let path, let errno):
      "administration.socket: \(path) cannot be made (\(systemMessage(errno))); its directory has to "
        + "belong to the user of the service"
    case .system("chown", let path, EPERM):
      "administration.socket_group: this user is not a member of the group, and cannot give it "
        + "\(path); add the user to it, or set SupplementaryGroups in the service's unit"
    case .system(let call, let path, let errno):
      "\(path): \(call) failed: \(systemMessage(errno))"
    }
  }
}
