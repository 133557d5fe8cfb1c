import Glibc
import Synchronization
import SystemCalls

/// The signal that has come while nothing was echoed; 0 for none.
private let caughtSignal = Atomic<Int32>(0)
/// Where a handler writes a byte, so that whoever waits wakes up.
private let wakeDescriptor = Atomic<Int32>(-1)

/// The terminal of the process, which does not show what is typed until the value ends, whatever ends
/// it: also not between two prompts, while somebody types ahead.
///
/// Signals that would end the process are kept until the terminal is as it was, and then end it. For
/// the one thread of a command.
struct HiddenInput: ~Copyable {
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  private let terminal: Int32
  /// The ends of a pipe: a signal's handler writes, ``wait()`` reads.
  private var pipe: [Int32] = [-1, -1]
  private var settings = termios()
  private var mask = sigset_t()
  private var actions: [sigaction] = []

  /// Stops the echo.
  ///
  /// - Throws: ``CommandFailure`` where the process has no terminal.
  init() throws(CommandFailure) {
    terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      throw CommandFailure(
        .invalid, "there is no terminal to type a passphrase at; use --passphrase-fd")
    }
    guard unsafe tcgetattr(terminal, &settings) == 0, unsafe Glibc.pipe(&pipe) == 0 else {
      let failure = CommandFailure(
        .invalid, "the terminal cannot be used: \(systemMessage(errno))")
      close(terminal)
      throw failure
    }
    for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    holdSignals()
    var hidden = settings
    hidden.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK | ECHONL)
    // Where this fails the settings are put back, which does not hurt.
    guard unsafe tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 else {
      throw CommandFailure(.invalid, "the terminal cannot be used: \(systemMessage(errno))")
    }
  }

  deinit {
    var before = settings
    unsafe tcsetattr(terminal, TCSAFLUSH, &before)
    releaseSignals()
    for end in pipe + [terminal] where end >= 0 { close(end) }
    // It has its usual action again, and ends the process as it does others.
    let signal = caughtSignal.load(ordering: .relaxed)
    if signal != 0 { kill(getpid(), signal) }
  }

  /// Asks with `prompt`, and has `read` read the line that is typed after it. What was typed before
  /// somebody could see the prompt is dropped: it was meant for another.
  ///
  /// - Parameter read: is given the terminal, and what waits for the next byte; false where a signal
  ///   has come instead.
  /// - Throws: ``CommandFailure`` also where a signal has come.
  borrowing func line<R: ~Copyable>(
    after prompt: String, _ read: (Int32, () -> Bool) throws(CommandFailure) -> R
  ) throws(CommandFailure) -> R {
    tcflush(terminal, TCIFLUSH)
    Console.write(Array(prompt.utf8), to: terminal)
    let line = try read(terminal) { wait() }
    Console.write([UInt8(ascii: "\n")], to: terminal)
    guard caughtSignal.load(ordering: .relaxed) == 0 else {
      throw CommandFailure(.refused, "interrupted")
    }
    return line
  }

  /// Ends it.
  consuming func end() {}

  /// Waits until something was typed; false when a signal has come instead.
  private borrowing func wait() -> Bool {
    var entries = [terminal, pipe[0]].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while unsafe poll(&entries, nfds_t(entries.count), -1) < 0 {
      guard errno == EINTR else { return false }
    }
    return entries[1].revents == 0 && caughtSignal.load(ordering: .relaxed) == 0
  }

  /// Has signals noted instead of ending the process, and keeps the one that would stop it.
  private mutating func holdSignals() {
    caughtSignal.store(0, ordering: .relaxed)
    wakeDescriptor.store(pipe[1], ordering: .relaxed)
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    unsafe sigaddset(&blocked, SIGTSTP)
    unsafe pthread_sigmask(SIG_BLOCK, &blocked, &mask)
    for signal in Self.signals {
      var action = sigaction()
      // What a handler may do: touch atomics, and write.
      unsafe action.__sigaction_handler.sa_handler = { signal in
        caughtSignal.store(signal, ordering: .relaxed)
        _ = unsafe write(wakeDescriptor.load(ordering: .relaxed), "!", 1)
      }
      var before = sigaction()
      unsafe sigaction(signal, &action, &before)
      actions.append(before)
    }
  }

  private func releaseSignals() {
    for (index, var action) in actions.enumerated() {
      unsafe sigaction(Self.signals[index], &action, nil)
    }
    var before = mask
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
