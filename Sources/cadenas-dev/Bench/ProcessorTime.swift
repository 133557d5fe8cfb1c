import Glibc

/// Processor time since some moment, in seconds.
struct ProcessorTime: Sendable {
  /// What this process used.
  var client = 0.0
  /// What the server's processes used; nil where none is known.
  var server: Double?
  /// What all processors together had left, the wait for disks included.
  var idle = 0.0
  /// What there was, all processors together.
  var total = 0.0

  /// What has been used up to now.
  ///
  /// - Parameter server: the ids of the server's processes.
  static func now(server: [Int]) -> ProcessorTime {
    var time = ProcessorTime()
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    time.client = Double(seconds) + Double(microseconds) / 1e6
    if !server.isEmpty { time.server = server.reduce(0) { $0 + ticks(of: $1) } / ticksPerSecond }
    let machine = machineTicks()
    // user nice system idle iowait irq softirq steal
    if machine.count >= 8 {
      time.idle = (machine[3] + machine[4]) / ticksPerSecond
      time.total = machine[..<8].reduce(0, +) / ticksPerSecond
    }
    return time
  }

  /// The time used between two moments.
  static func - (after: ProcessorTime, before: ProcessorTime) -> ProcessorTime {
    ProcessorTime(
      client: after.client - before.client,
      server: after.server.flatMap { server in before.server.map { server - $0 } },
      idle: after.idle - before.idle, total: after.total - before.total)
  }

  private static var ticksPerSecond: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

  /// The fields utime and stime of `/proc/PID/stat`; 0 for a process that is gone.
  private static func ticks(of process: Int) -> Double {
    guard let line = try? DevelopmentFiles.readText("/proc/\(process)/stat"),
      let end = line.lastIndex(of: ")")
    else { return 0 }
    // After the name, which may hold anything, the state is the first.
    let fields = line[line.index(after: end)...].split(separator: " ")
    guard fields.count > 12 else { return 0 }
    return (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
  }

  private static func machineTicks() -> [Double] {
    let line = (try? DevelopmentFiles.readText("/proc/stat"))?.prefix { $0 != "\n" } ?? ""
    return line.split(separator: " ").dropFirst().map { Double($0) ?? 0 }
  }
}
