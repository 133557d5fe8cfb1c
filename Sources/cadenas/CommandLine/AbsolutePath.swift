import Administration
import Glibc
import SystemCalls

/// A path that the service understands as the one who asks does.
enum AbsolutePath {
  /// `path` from the root; relative ones start at the working directory.
  static func of(_ path: String) throws(CommandFailure) -> String {
    guard !path.hasPrefix("/") else { return path }
    guard let current = unsafe getcwd(nil, 0) else {
      throw CommandFailure(.unavailable, "the working directory: \(systemMessage(errno))")
    }
    defer { unsafe free(current) }
    return unsafe String(cString: current) + "/" + path
  }
}
