import ConfigurationReading
import Glibc

/// What the file says that a time service touches whenever it has set the clock.
enum ClockSign: Equatable {
  /// It was touched this many seconds ago.
  case fresh(ageSeconds: Int64)
  case stale(ageSeconds: Int64)
  case missing
  /// It cannot be looked at.
  case unseen(errno: Int32)

  /// Looks at the file at `path`.
  ///
  /// - Parameters:
  ///   - limit: how old its time may be, in seconds.
  ///   - now: Unix time, in seconds.
  init(_ path: String, within limit: UInt64, atSeconds now: Int64) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      self = errno == ENOENT || errno == ENOTDIR ? .missing : .unseen(errno: errno)
      return
    }
    // A time to come is no better than one that is past: one of the two clocks was set.
    let age = now - Int64(status.st_mtim.tv_sec)
    self = age.magnitude <= limit ? .fresh(ageSeconds: age) : .stale(ageSeconds: age)
  }

  /// Why the clock is not known to be right, as a word of a reason; nil where it is.
  var lack: String? {
    switch self {
    case .fresh: nil
    case .stale(let age): "age=\(age)s"
    case .missing: "cause=missing"
    case .unseen: "cause=not-readable"
    }
  }
}
