import AccessPolicy
import Administration
import ConfigurationReading
import Glibc
import SecretMemory

/// Looks at the host: swap, limits of the service's process.
struct HostCheck {
  /// Memory that the service locks for keys, in bytes, with room to spare.
  private static let lockedKeyBytes: UInt64 = 3 << 20
  /// Descriptors beside clients' connections: store, sockets, acquirers.
  private static let spareDescriptors: UInt64 = 256
  /// The largest file of the kernel's that is read, in bytes.
  private static let mostBytes = 1 << 20

  let configuration: ServiceConfiguration

  func run() -> [Finding] {
    let service = Service(of: configuration)
    return [swap(service)] + limits(service) + user
  }

  /// What is known of the process of the service.
  enum Service {
    case running(ProcessLimits, process: Int64)
    case none
    /// One runs, and does not tell this user.
    case unseen

    fileprivate init(of configuration: ServiceConfiguration) {
      do {
        let status = try AdminClient(path: configuration.administration.socketPath).status()
        self = .running(
          ProcessLimits(
            openFiles: status["open_files_limit"]?.integer.map { UInt64(clamping: $0) },
            lockedBytes: status["locked_memory_limit_bytes"]?.integer.map { UInt64(clamping: $0) }),
          process: status["pid"]?.integer ?? 0)
      } catch AdminClient.Failure.socket(.noService(_)) {
        self = .none
      } catch {
        self = .unseen
      }
    }
  }

  private func swap(_ service: Service) -> Finding {
    // Its first line names the columns.
    let lines = Self.lines(of: "/proc/swaps")
    if let lines, lines.count < 2 {
      return Finding(.ok, .host, "no memory of the service can be swapped out")
    }
    let isForbidden: Bool? =
      switch service {
      case _ where lines == nil: nil
      case .running(_, let process): Self.isSwapForbidden("\(process)")
      case .none: Self.isSwapForbidden("self")
      case .unseen: nil
      }
    switch isForbidden {
    case true?: return Finding(.ok, .host, "no memory of the service can be swapped out")
    case false?:
      return Finding(
        .warning, .host, "this host has swap: memory of the service can be written to it",
        remedy: "set MemorySwapMax=0 in the service's unit (the sample does), or turn swap off")
    case nil:
      return .unseen(
        .host, "whether memory of the service can be swapped out was not seen",
        remedy: "look at /proc/swaps, and at memory.swap.max of the service's control group")
    }
  }

  /// Whether the control group of a process may not swap; nil where that cannot be read.
  private static func isSwapForbidden(_ process: String) -> Bool? {
    guard let groups = lines(of: "/proc/\(process)/cgroup") else { return nil }
    guard let own = groups.first(where: { $0.hasPrefix("0::") }) else { return false }
    return lines(of: "/sys/fs/cgroup\(own.dropFirst(3))/memory.swap.max")?.first == "0"
  }

  /// What the process of the service may have; where none runs, what one of this shell would.
  private func limits(_ service: Service) -> [Finding] {
    switch service {
    case .running(let limits, _): [lockedMemory(limits), descriptors(limits)]
    case .none: [lockedMemory(.ofService), descriptors(.ofService)]
    case .unseen:
      [
        .unseen(
          .host,
          "how much the running service may lock and open is not known: it does not tell this user",
          remedy: "run this as an operator or auditor, or read /proc/PID/limits of its process")
      ]
    }
  }

  /// Memory that the service locks for keys and cards in flight, in bytes.
  private var lockedBytes: UInt64 {
    Self.lockedKeyBytes
      + UInt64(
        SecretPool.lockedBytes(
          slots: configuration.limits.secretSlots, slotSize: Limits.secretSlotBytes))
  }

  private func lockedMemory(_ limits: ProcessLimits) -> Finding {
    guard let limit = limits.lockedBytes, limit < lockedBytes else {
      return Finding(.ok, .host, "memory for keys and cards can be locked (RLIMIT_MEMLOCK)")
    }
    return Finding(
      .error, .host,
      "only \(limit >> 10) KiB of memory can be locked (RLIMIT_MEMLOCK); the service "
        + "needs \(lockedBytes >> 10) KiB",
      remedy: "set LimitMEMLOCK=64M in the service's unit (ulimit -l)")
  }

  private func descriptors(_ limits: ProcessLimits) -> Finding {
    let needed = UInt64(configuration.limits.connections) + Self.spareDescriptors
    guard let limit = limits.openFiles, limit < needed else {
      return Finding(.ok, .host, "enough files can be open (RLIMIT_NOFILE)")
    }
    return Finding(
      .warning, .host,
      "only \(limit) files can be open (RLIMIT_NOFILE), and limits.connections asks for \(needed)",
      remedy: "set LimitNOFILE=\(needed) in the service's unit, or lower limits.connections")
  }

  private var user: [Finding] {
    guard geteuid() == 0, !configuration.development else { return [] }
    return [
      Finding(
        .warning, .host, "this command runs as root; the service should have a user of its own",
        remedy: "run service and commands as the user who owns the store")
    ]
  }

  /// The lines of a file of the kernel's; nil where it cannot be read.
  private static func lines(of path: String) -> [Substring]? {
    guard let bytes = try? ConfigurationFiles.read(path, maximumBytes: mostBytes) else {
      return nil
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
