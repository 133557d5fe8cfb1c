package import Logging

/// How many lines wait to be written, and for which there is still room. Why the server's lines have a
/// bound by the second before this one stands with `ServerLog`.
///
/// The more a line matters, the more of the room it may use: those that a flood of requests makes (up
/// to `info`) half, what the service says of itself up to `error` three quarters, and why it ends all.
package struct LogBacklog {
  /// The lines that may wait, and the bytes of all of them.
  package static let mostLines = 4_096
  package static let mostBytes = 1 << 20

  /// The lines that wait.
  package private(set) var lines = 0
  private var bytes = 0

  /// Nothing waits.
  package init() {}

  /// Counts a line of `count` bytes; false where there is no room for one of its level.
  package mutating func add(_ level: Logger.Level, bytes count: Int) -> Bool {
    let quarters = Self.quarters(level)
    guard lines < Self.mostLines / 4 * quarters, bytes + count <= Self.mostBytes / 4 * quarters
    else { return false }
    lines += 1
    bytes += count
    return true
  }

  /// A line that was counted waits no longer.
  package mutating func remove(bytes count: Int) {
    lines -= 1
    bytes -= count
  }

  private static func quarters(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug, .info: 2
    case .notice, .warning, .error: 3
    case .critical: 4
    }
  }
}
