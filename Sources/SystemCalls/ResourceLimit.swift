internal import Glibc

/// A limit that the system sets to what a process may have. Its raw value is the end of its names:
/// `RLIMIT_NOFILE`, and `LimitNOFILE` in a systemd unit.
package enum ResourceLimit: String, Sendable {
  /// Files that may be open at a time, sockets among them.
  case openFiles = "NOFILE"
  /// Bytes of memory that may be locked.
  case lockedMemory = "MEMLOCK"
  /// Bytes up to which a file may be written.
  case fileSize = "FSIZE"
  /// Threads of all processes of the user.
  case processes = "NPROC"
  /// Bytes of addresses.
  case addresses = "AS"
  /// Bytes of memory that is not of files.
  case data = "DATA"

  /// As the system calls it.
  package var name: String { "RLIMIT_\(rawValue)" }

  /// How whoever starts the process raises it, a service or a command.
  package var remedy: String {
    "raise \(name) (of a service Limit\(rawValue) in its unit, of a command ulimit \(option))"
  }

  /// What is in force now; nil for no bound.
  package var current: UInt64? { Self.figure(limits.rlim_cur) }

  /// What this process may allow itself; nil for no bound.
  package var greatest: UInt64? { Self.figure(limits.rlim_max) }

  /// Allows this process as much as it may.
  package func raise() {
    var limits = limits
    limits.rlim_cur = limits.rlim_max
    _ = unsafe setrlimit(number, &limits)
  }

  private static func figure(_ value: rlim_t) -> UInt64? {
    value == rlim_t.max ? nil : UInt64(value)
  }

  private var limits: rlimit {
    var limits = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
    _ = unsafe getrlimit(number, &limits)
    return limits
  }

  private var number: Int32 {
    let resource =
      switch self {
      case .openFiles: RLIMIT_NOFILE
      case .lockedMemory: __RLIMIT_MEMLOCK
      case .fileSize: RLIMIT_FSIZE
      case .processes: __RLIMIT_NPROC
      case .addresses: RLIMIT_AS
      case .data: RLIMIT_DATA
      }
    return Int32(bitPattern: resource.rawValue)
  }

  /// The option of the shell's `ulimit`.
  private var option: String {
    switch self {
    case .openFiles: "-n"
    case .lockedMemory: "-l"
    case .fileSize: "-f"
    case .processes: "-u"
    case .addresses: "-v"
    case .data: "-d"
    }
  }
}

/// The system's text for an error number, and what helps where that is the same for all files.
package func systemExplanation(_ number: Int32) -> String {
  let remedy: String? =
    switch number {
    case ENOSPC, EDQUOT: "make room on its disk"
    case EFBIG: ResourceLimit.fileSize.remedy
    case EMFILE: ResourceLimit.openFiles.remedy
    case EROFS:
      "its disk is mounted read-only: mount it for writing (mount -o remount,rw; a systemd unit names the "
        + "directory in ReadWritePaths=)"
    default: nil
    }
  return systemMessage(number) + (remedy.map { "; \($0)" } ?? "")
}
