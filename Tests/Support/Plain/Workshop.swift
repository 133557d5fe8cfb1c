import Glibc

/// A fresh directory in which the `openssl` command makes throwaway authorities, certificates and
/// revocation lists.
package final class Workshop: Sendable {
  private let folder: TemporaryDirectory

  /// - Parameter untilExit: whether the directory goes when the process does, or with the value.
  package init(untilExit: Bool = false) throws {
    folder = try TemporaryDirectory(untilExit: untilExit)
  }

  /// The directory.
  package var directory: String { folder.path }

  /// The path of `name` in the directory.
  package func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  /// The contents of the file `name`.
  package func file(_ name: String) throws -> [UInt8] { try fileBytes(of: path(name)) }

  package func write(_ text: String, to name: String) throws {
    guard let file = unsafe fopen(path(name), "w") else { throw Missing(what: name) }
    defer { unsafe fclose(file) }
    guard unsafe text.isEmpty || fputs(text, file) >= 0 else { throw Missing(what: name) }
  }

  /// Puts files together as `name`.
  package func join(_ names: [String], as name: String) throws {
    try write(names.map { String(decoding: try file($0), as: UTF8.self) }.joined(), to: name)
  }

  /// Runs `openssl` with `arguments` and nothing on its standard streams.
  package func openssl(_ arguments: [String]) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for stream in Int32(0)...2 {
      unsafe posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
    }
    var pointers = unsafe (["openssl"] + arguments).map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { for index in 0...arguments.count { unsafe free(pointers[index]) } }
    // Nothing of the environment: a configuration named there would change what is made.
    var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
    var process: pid_t = 0
    guard unsafe posix_spawnp(&process, "openssl", &actions, nil, &pointers, &environment) == 0
    else { throw Missing(what: "openssl cannot be started") }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) == -1 {
      guard errno == EINTR else { throw Missing(what: "waitpid") }
    }
    guard status == 0 else { throw Missing(what: "openssl " + arguments.joined(separator: " ")) }
  }
}
