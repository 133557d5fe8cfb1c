@unsafe @preconcurrency import Glibc  // for `environ`, which C declares without a lock
import SystemCalls

/// A program that this one started.
final class ChildProcess {
  let pid: pid_t
  /// What messages call it.
  let name: String
  /// How it ended, once that is known: the system tells it once.
  private var ended: ExitStatus?

  private init(pid: pid_t, name: String) {
    self.pid = pid
    self.name = name
  }

  /// Starts `arguments[0]`, looked up in `PATH`, with this process's environment.
  ///
  /// The child gets default signal actions, no blocked signal, a process group of its own (so that
  /// a key on the terminal reaches this program alone, which then stops its children in order) and
  /// `/dev/null` as standard input. Its standard output and error go to the descriptor `output`.
  static func spawn(
    _ arguments: [String], name: String, output: Int32
  ) throws(DevelopmentError) -> ChildProcess {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

    var pid: pid_t = 0
    var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe vector.indices { unsafe free(vector[index]) } }
    let code = unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, &vector, environ)
    guard code == 0 else {
      throw code == ENOENT ? missing(name) : .system(arguments[0], code)
    }
    return ChildProcess(pid: pid, name: name)
  }

  /// Starts `arguments[0]` so that what it writes can be read from the descriptor, which the caller
  /// closes.
  static func spawn(
    _ arguments: [String], name: String
  ) throws(DevelopmentError) -> (child: ChildProcess, output: Int32) {
    let ends: (reading: Int32, writing: Int32)
    do throws(SystemFailure) { ends = try makePipe() } catch {
      throw .system(error.call, error.errno)
    }
    defer { close(ends.writing) }
    do {
      return (try spawn(arguments, name: name, output: ends.writing), ends.reading)
    } catch {
      close(ends.reading)
      throw error
    }
  }

  /// `command` so that it dies by the signal `signal` when this process is gone, even by `kill -9`.
  ///
  /// setpriv(1) asks the kernel for that; the shell then makes sure that this process was still
  /// there when it did, and becomes the command, whose process id is the child's. The kernel means
  /// the thread that started the child, so start it from the main one.
  static func bound(_ command: [String], by signal: String) -> [String] {
    let script = #"[ "$PPID" = "$1" ] && shift && exec "$@""#
    return ["setpriv", "--pdeathsig", signal, "sh", "-c", script, "sh", "\(getpid())"] + command
  }

  /// Runs `arguments` to their end, in `directory` or here, and returns what they wrote to both
  /// streams.
  /// - Throws: ``DevelopmentError/toolFailed(name:status:output:)`` for any status but 0.
  @discardableResult
  static func run(
    _ arguments: [String], directory: String? = nil
  ) throws(DevelopmentError) -> String {
    let command = directory.map { ["env", "--chdir=\($0)"] + arguments } ?? arguments
    let (child, descriptor) = try spawn(command, name: arguments[0])
    defer { close(descriptor) }
    let output = drain(descriptor)
    let status = child.wait()
    // What env(1) answers for a program that is not there.
    if status == .exited(127) { throw missing(arguments[0]) }
    guard status == .exited(0) else {
      throw .toolFailed(name: arguments[0], status: "\(status)", output: output)
    }
    return output
  }

  private static func missing(_ name: String) -> DevelopmentError {
    .toolMissing(name: name, remedy: "it was looked for in PATH")
  }

  /// Sends `signal`, unless it has ended.
  func send(_ signal: Int32) {
    if ended == nil { kill(pid, signal) }
  }

  func wait() -> ExitStatus {
    if let ended { return ended }
    var status: Int32 = 0
    while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    let result = ExitStatus(waitStatus: status)
    ended = result
    return result
  }

  /// How it ended, or nil while it runs.
  func poll() -> ExitStatus? {
    var status: Int32 = 0
    if ended == nil, unsafe waitpid(pid, &status, WNOHANG) == pid {
      ended = ExitStatus(waitStatus: status)
    }
    return ended
  }

  /// What can be read from `descriptor` to its end.
  static func drain(_ descriptor: Int32) -> String {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: output, as: UTF8.self) }
      output += buffer[..<count]
    }
  }
}

/// How a process ended.
enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case killed(Int32)

  /// Reads what `waitpid` reports.
  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7f
    self = signal == 0 ? .exited((waitStatus >> 8) & 0xff) : .killed(signal)
  }

  var description: String {
    switch self {
    case .exited(let status): "status \(status)"
    case .killed(let signal): "signal \(signal)"
    }
  }
}
