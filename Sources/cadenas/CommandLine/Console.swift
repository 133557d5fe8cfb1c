import Glibc
import SystemCalls

/// Standard output and standard error of a command.
enum Console {
  /// Whether standard output is a terminal: then there are colours.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }

  static func write(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

  /// Writes text and an end of line to standard error.
  static func complain(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

  /// Writes all of `bytes`; a reader of standard output that has gone away ends the command, as it
  /// does `cat`.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    do throws(SystemFailure) { try writeAll(bytes, to: descriptor) } catch {
      if error.errno == EPIPE, descriptor == STDOUT_FILENO { endByClosedPipe() }
    }
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

  /// `text` in a style, where standard output is a terminal and `NO_COLOR` is not set.
  static func styled(_ text: String, _ style: Style) -> String {
    guard isTerminal, unsafe getenv("NO_COLOR") == nil else { return text }
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
