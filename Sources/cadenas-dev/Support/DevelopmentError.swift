import Glibc
import SystemCalls

/// Everything that can go wrong in `cadenas-dev`, each with what to do about it.
enum DevelopmentError: Error, Equatable, CustomStringConvertible {
  /// A program that is needed is not installed.
  case toolMissing(name: String, remedy: String)
  /// A program ended with another status than 0; `output` is what it wrote.
  case toolFailed(name: String, status: String, output: String)
  /// A system call on `path` failed; `reason` is the system's own text.
  case file(path: String, reason: String)
  /// A directory that is neither empty nor what it should be.
  case unsuitableDirectory(path: String, reason: String)
  /// A value of the command line or the configuration that cannot work.
  case invalid(String)
  /// A child process ended before it was told to, or never answered; `log` holds its last lines.
  case childFailed(name: String, reason: String, log: String)
  /// No connection, no TLS, or no answer where one was expected.
  case connection(String)
  /// Something did not happen as it should have.
  case unexpected(String)

  var description: String {
    switch self {
    case .toolMissing(let name, let remedy):
      return "\(name) is not installed; \(remedy)"
    case .toolFailed(let name, let status, let output):
      return "\(name) ended with \(status)" + Self.quoted(output)
    case .file(let path, let reason):
      return "\(path): \(reason)"
    case .unsuitableDirectory(let path, let reason):
      return "\(path): \(reason)"
    case .invalid(let message), .connection(let message), .unexpected(let message):
      return message
    case .childFailed(let name, let reason, let log):
      return "\(name) \(reason)" + Self.quoted(log)
    }
  }

  /// What `errno` says of a call on `path`.
  static func system(_ path: String, _ code: Int32 = errno) -> DevelopmentError {
    .file(path: path, reason: systemMessage(code))
  }

  private static func quoted(_ text: String) -> String {
    guard !text.isEmpty else { return "" }
    return ":\n" + text.split(separator: "\n").map { "  | \($0)" }.joined(separator: "\n")
  }
}
