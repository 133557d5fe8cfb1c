import Glibc
import NIOCore
import Storage
import SystemCalls

/// Whether the system gives a service the threads, the memory and the open files that it needs, asked
/// before the store is opened: the libraries below end the process without a word where they get none later, or wait
/// for it for ever.
enum StartRoom {
  /// Threads beside those for each processor: those of the writer, the index, work on keys, the log,
  /// signals, and what operators do at once, with some to spare.
  private static let spareThreads = 40
  /// Event loops, and the pools of threads that NIO and Swift have: three for each processor.
  private static var threads: Int { 3 * System.coreCount + spareThreads }
  /// Files and sockets of a service without clients: five for each event loop, and those of the store,
  /// with some to spare.
  private static var descriptors: Int { 5 * System.coreCount + 34 }
  /// Memory of a small vault, in bytes; the store's map and what requests need come on top.
  private static let memoryBytes = 256 << 20
  /// Addresses beside the store's map, in bytes: what the allocator sets aside for each thread that uses it.
  private static let addressBytes = 1 << 30

  /// - Parameter mapBytes: `store.map_size`.
  /// - Throws: ``CommandFailure`` that names the limit.
  static func check(mapBytes: UInt64) throws(CommandFailure) {
    let gate = Monitor(false)
    var running: [WorkerThread] = []
    var problem: CommandFailure?
    do throws(SystemFailure) {
      for _ in 0..<threads {
        running.append(
          try WorkerThread(named: "cadenas-start") { gate.waitUntil { $0 ? () : nil } })
      }
      problem =
        memoryFailure(memoryBytes, PROT_READ | PROT_WRITE)
        ?? memoryFailure(addressBytes + Int(mapBytes), PROT_NONE) ?? descriptorFailure
    } catch {
      problem = failure(error, after: running.count)
    }
    gate.withLock { $0 = true }
    gate.broadcast()
    for thread in running { thread.join() }
    if let problem { throw problem }
  }

  /// Why as many files as a service needs cannot be open; nil where they can.
  private static var descriptorFailure: CommandFailure? {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < descriptors {
      let descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
      guard descriptor >= 0 else {
        let reason = systemMessage(errno)
        let limit = ResourceLimit.openFiles.current.map { ", ulimit -n, is \($0)" } ?? ""
        return CommandFailure(
          .unavailable,
          "the system lets this process open \(opened.count) files more (\(reason)), and the service "
            + "needs \(descriptors): raise LimitNOFILE of its unit (RLIMIT_NOFILE\(limit))")
      }
      opened.append(descriptor)
    }
    return nil
  }

  /// Why there was no thread, when `count` of those that were wanted ran.
  static func failure(_ error: SystemFailure, after count: Int = 0) -> CommandFailure {
    guard error.errno == EAGAIN || error.errno == ENOMEM else {
      return CommandFailure(StorageError(error))
    }
    // A thread's stack is memory too.
    if let failure = memoryFailure(stackBytes, PROT_READ | PROT_WRITE) { return failure }
    let limit = ResourceLimit.processes.current.map {
      "RLIMIT_NPROC, ulimit -u, is \($0) for all of its user"
    }
    return CommandFailure(
      .unavailable,
      "the system gives this process \(count) threads more, and the service needs \(threads): raise "
        + "LimitNPROC and TasksMax of its unit (\(limit ?? "RLIMIT_NPROC is not limited"))")
  }

  /// Why `count` bytes of memory with this protection could not be had; nil where they can.
  private static func memoryFailure(_ count: Int, _ protection: Int32) -> CommandFailure? {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let start = unsafe mmap(nil, count, protection, flags, -1, 0)
    if unsafe start != MAP_FAILED {
      unsafe munmap(start, count)
      return nil
    }
    let reason = systemMessage(errno)
    let limits = [ResourceLimit.addresses, .data].compactMap { limit in
      limit.current.map { "\(limit.name) is \($0 >> 20) MiB" }
    }
    return CommandFailure(
      .unavailable,
      "the system gives this process no \(count >> 20) MiB of memory (\(reason)): raise LimitAS and "
        + "LimitDATA of its unit" + (protection == PROT_NONE ? ", or lower store.map_size" : "")
        + (limits.isEmpty ? "" : " (\(limits.joined(separator: ", ")))"))
  }

  private static let stackBytes = 8 << 20
}
