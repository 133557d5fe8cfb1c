import Glibc
import SystemCalls

/// Standard output and standard error of a command.
///
/// What is written to standard output is written, or the command ends: by SIGPIPE where its reader has
/// gone away, as `cat` does, and otherwise with a message and exit status 3, also where it has done its
/// work: whoever keeps the output must not believe it whole.
enum Console {
  /// Whether `descriptor` is a terminal that can do more than go on to the next line.
  static func isTerminal(_ descriptor: Int32 = STDOUT_FILENO) -> Bool {
    guard isatty(descriptor) == 1 else { return false }
    guard let kind = unsafe getenv("TERM") else { return true }
    return unsafe strcmp(kind, "dumb") != 0
  }

  /// The columns of the terminal that `descriptor` is; nil where it is none, or does not say.
  static func columns(_ descriptor: Int32 = STDOUT_FILENO) -> Int? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

  static func write(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Writes text and an end of line to standard error.
  static func complain(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

  /// Writes all of `bytes`. Where they go to another descriptor than standard output, that this fails is
  /// nobody's to hear.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    do throws(SystemFailure) { try writeAll(bytes, to: descriptor) } catch {
      if descriptor == STDOUT_FILENO { end(error.errno) }
    }
  }

  /// Makes sure that all that was written has arrived: some file systems say only now that it has not.
  /// To be called once, at the end.
  static func finish() {
    if close(STDOUT_FILENO) != 0 { end(errno) }
  }

  /// Ends the process, since standard output could not be written.
  private static func end(_ number: Int32) -> Never {
    if number == EPIPE { endByClosedPipe() }
    complain("cadenas: standard output cannot be written: \(systemMessage(number))")
    // Other threads may be in the middle of their work.
    _exit(CommandFailure.Status.unavailable.rawValue)
  }

  /// Ends the process by the signal that hardening has it ignore, since sockets would raise it too.
  private static func endByClosedPipe() -> Never {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    exit(128 + SIGPIPE)
  }

  /// How text stands out on a terminal.
  enum Style: String {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// `text` in a style, where standard output is a terminal that has some and `NO_COLOR` is not set.
  static func styled(_ text: String, _ style: Style) -> String {
    guard isTerminal(), unsafe getenv("NO_COLOR") == nil else { return text }
    return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
  }

  /// `text` without what could steer a terminal or turn the order of its characters round.
  static func printable(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
        scalars.append("\u{FFFD}")
      default: scalars.append(scalar)
      }
    }
    return String(scalars)
  }
}
