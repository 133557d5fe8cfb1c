import Glibc
import Synchronization
import SystemCalls

/// The signal that has come while nothing was echoed; 0 for none.
private let caughtSignal = Atomic<Int32>(0)
/// Where a handler writes a byte, so that whoever waits wakes up.
private let wakeDescriptor = Atomic<Int32>(-1)

/// A terminal that does not show what is typed, until the value ends, whatever ends it.
///
/// Signals that would end the process are kept until the terminal is as it was. For the one thread of
/// a command.
struct HiddenInput: ~Copyable {
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  private let terminal: Int32
  /// The ends of a pipe: a signal's handler writes, ``wait()`` reads.
  private var pipe: [Int32] = [-1, -1]
  private var settings = termios()
  private var mask = sigset_t()
  private var actions: [sigaction] = []

  /// Stops the echo of `terminal`, which stays open longer than the value.
  init(_ terminal: Int32) throws(CommandFailure) {
    self.terminal = terminal
    guard unsafe tcgetattr(terminal, &settings) == 0, unsafe Glibc.pipe(&pipe) == 0 else {
      throw CommandFailure(.invalid, "the terminal cannot be used: \(systemMessage(errno))")
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
    for end in pipe where end >= 0 { close(end) }
  }

  /// Waits until something was typed; false when a signal has come instead.
  func wait() -> Bool {
    var entries = [terminal, pipe[0]].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while unsafe poll(&entries, nfds_t(entries.count), -1) < 0 {
      guard errno == EINTR else { return false }
    }
    return entries[1].revents == 0 && caughtSignal.load(ordering: .relaxed) == 0
  }

  /// Ends it, and says which signal has come; 0 for none.
  consuming func end() -> Int32 { caughtSignal.load(ordering: .relaxed) }

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
