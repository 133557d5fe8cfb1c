import Glibc

/// What the system lets this process have.
struct ProcessLimits: Equatable {
  /// Files that may be open at a time, sockets among them (RLIMIT_NOFILE); nil for any number.
  let openFiles: UInt64?
  /// Bytes of memory that may be locked (RLIMIT_MEMLOCK); nil for any number.
  let lockedBytes: UInt64?

  /// Those of now.
  static var current: ProcessLimits {
    ProcessLimits(
      openFiles: figure(limit(RLIMIT_NOFILE).rlim_cur),
      lockedBytes: figure(limit(__RLIMIT_MEMLOCK).rlim_cur))
  }

  /// Those of a service that this process would become, see ``raiseOpenFiles()``.
  static var ofService: ProcessLimits {
    ProcessLimits(
      openFiles: figure(limit(RLIMIT_NOFILE).rlim_max), lockedBytes: current.lockedBytes)
  }

  /// Lets this process open as many files as it may allow itself to. What is usual at first is little,
  /// for the sake of programs that cannot count far.
  static func raiseOpenFiles() {
    var limit = limit(RLIMIT_NOFILE)
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(Int32(bitPattern: RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func figure(_ value: rlim_t) -> UInt64? {
    value == rlim_t.max ? nil : UInt64(value)
  }

  private static func limit(_ resource: __rlimit_resource) -> rlimit {
    var limit = rlimit()
    _ = unsafe getrlimit(Int32(bitPattern: resource.rawValue), &limit)
    return limit
  }
}
