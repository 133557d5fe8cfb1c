import Glibc
import TestSupport

/// A program that is built beside the tests and run by them.
enum ChildProgram {
  /// The path of the program `name`, which lies in the directory of the test program.
  static func path(_ name: String) throws -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe bytes.withUnsafeMutableBytes { bytes in
      let characters = unsafe bytes.assumingMemoryBound(to: CChar.self)
      return unsafe characters.baseAddress.map {
        unsafe readlink("/proc/self/exe", $0, characters.count)
      } ?? -1
    }
    guard count > 0 else { throw Missing(what: "the test program's name") }
    let path = String(decoding: bytes.prefix(count), as: UTF8.self)
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return (directory + [Substring(name)]).joined(separator: "/")
  }

  /// Runs `arguments`, the first of which is the program's path, with this environment alone, and
  /// waits for its end.
  ///
  /// - Returns: its exit status, or minus one where it was killed.
  static func run(_ arguments: [String], environment: [String] = []) throws -> Int32 {
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    // The same hash seeds in each run, and no backtracer for a child that crashes.
    let settings = ["SWIFT_DETERMINISTIC_HASHING=1", "SWIFT_BACKTRACE=enable=no"] + environment
    var environ = unsafe settings.map { unsafe strdup($0) } + [nil]
    defer {
      for index in unsafe argv.indices { unsafe free(argv[index]) }
      for index in unsafe environ.indices { unsafe free(environ[index]) }
    }
    var process = pid_t()
    let status = unsafe posix_spawn(&process, arguments[0], nil, nil, &argv, &environ)
    guard status == 0 else { throw Missing(what: arguments[0]) }
    var result: Int32 = 0
    while unsafe waitpid(process, &result, 0) < 0 && errno == EINTR {}
    return result & 0x7F == 0 ? (result >> 8) & 0xFF : -1
  }
}
