import Glibc
import SystemCalls

/// The two standard streams, written at once and whole.
enum Terminal {
  /// Whether standard output is a terminal: colours are for people only.
  static let isTerminal = isatty(STDOUT_FILENO) == 1

  /// Writes `line` and a line end to standard output.
  static func say(_ line: String = "") {
    write(line + "\n", to: STDOUT_FILENO)
  }

  /// Writes `line` and a line end to standard error.
  static func complain(_ line: String) {
    write(line + "\n", to: STDERR_FILENO)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    // Where nobody reads any more, there is nobody left to tell.
    try? writeAll(Array(text.utf8), to: descriptor)
  }
}
