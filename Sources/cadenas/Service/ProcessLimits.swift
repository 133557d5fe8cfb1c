import SystemCalls

/// What the system lets this process have.
struct ProcessLimits: Equatable {
  /// Files that may be open at a time, sockets among them; nil for any number.
  let openFiles: UInt64?
  /// Bytes of memory that may be locked; nil for any number.
  let lockedBytes: UInt64?

  /// Those of now.
  static var current: ProcessLimits {
    ProcessLimits(
      openFiles: ResourceLimit.openFiles.current, lockedBytes: ResourceLimit.lockedMemory.current)
  }

  /// Those of a service that this process would become, which opens as many files as it may allow
  /// itself to.
  static var ofService: ProcessLimits {
    ProcessLimits(openFiles: ResourceLimit.openFiles.greatest, lockedBytes: current.lockedBytes)
  }
}
