@unsafe @preconcurrency import Glibc  // for `environ`, which C declares without a lock

@testable import cadenas_dev

/// A terminal at which a test types, with a program in it that has it as its controlling terminal.
final class Terminal {
  // What the headers give only to those who ask for the extensions of GNU.
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430
  private static let newSession: Int16 = 0x80

  private let master: Int32
  private let child: pid_t
  private var ended: cadenas_dev.ExitStatus?
  /// All that the program has shown.
  private(set) var shown = ""

  /// Starts `arguments` in a terminal of its own.
  init(_ arguments: [String]) throws {
    master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    var number: Int32 = 0
    var locked: Int32 = 0
    guard master >= 0, unsafe ioctl(master, Self.setLock, &locked) == 0,
      unsafe ioctl(master, Self.getNumber, &number) == 0
    else { throw DevelopmentError.system("terminal") }
    let path = "/dev/pts/\(number)"
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // In a new session, the first terminal that is opened becomes the controlling one.
    unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDWR, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    unsafe posix_spawnattr_setflags(&attributes, Self.newSession)
    var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe vector.indices { unsafe free(vector[index]) } }
    var pid: pid_t = 0
    let code = unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, &vector, environ)
    guard code == 0 else { throw DevelopmentError.system(arguments[0], code) }
    child = pid
    _ = fcntl(master, F_SETFL, O_NONBLOCK)
  }

  deinit {
    if ended == nil { kill(child, SIGKILL) }
    close(master)
  }

  /// Types a line.
  func type(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(master, $0.baseAddress, $0.count) }
  }

  /// Waits until the program has shown `text` so many times.
  func wait(for text: String, times: Int = 1) async throws {
    do {
      try await eventually("shown") {
        read()
        return shown.ranges(of: text).count >= times
      }
    } catch {
      throw Stage.Failed("the terminal never showed \(text), but:\n\(shown)")
    }
  }

  /// Waits for the program's end; what it has shown.
  func end() async throws -> (status: cadenas_dev.ExitStatus, shown: String) {
    var status: Int32 = 0
    while unsafe waitpid(child, &status, WNOHANG) == 0 {
      read()
      try await pause(milliseconds: 5)
    }
    read()
    let result = cadenas_dev.ExitStatus(waitStatus: status)
    ended = result
    return (result, shown)
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = unsafe Glibc.read(master, &buffer, buffer.count), count > 0 {
      shown += String(decoding: buffer[..<count], as: UTF8.self)
    }
  }
}
