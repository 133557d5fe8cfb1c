import Glibc
import Storage
import Synchronization
import TestSupport

/// Writes numbered jobs to a store on a disk that ends, tells at once what has become of each, and is
/// killed at the end at the latest.
///
/// Arguments: `disk`, the directory of a new store, then steps: `batches:N` submits N times five jobs, of
/// which some may use the reserve, and `reserved:N` twenty that all may, fewer where jobs are refused; `fill:N` takes what the disk has but for N pages, as another program would, in a
/// file beside that directory;
/// `read` counts all rows. A step that cannot be done ends it.
enum DiskRun {
  /// Batches that are tried while ordinary jobs are refused.
  private static let refusedBatches = 12

  static func run(_ arguments: [String]) {
    do {
      try run(on: arguments[0], arguments.dropFirst())
    } catch let error as StorageError where error.isOfRoom {
      report("lacks \(error)")
    } catch {
      report("failed \(error)")
    }
    report("end")
    kill(getpid(), SIGKILL)
  }

  private static func run(on directory: String, _ steps: ArraySlice<String>) throws {
    guard let identifier = StoreIdentifier(Array(1...16)) else { return }
    let mapSize = 8 << 20
    try Store.create(at: directory, mapSize: mapSize, storeIdentifier: identifier)
    report("created")
    let store = try Store.open(at: directory, mapSize: mapSize)
    var limits = WriterLimits()
    limits.journal.nanoseconds = 1 << 60
    limits.journal.idleNanoseconds = 1 << 60
    try store.startWriter(limits: limits) { report("failed \($0)") }
    report(store.journalLack.map { "journal \($0)" } ?? "journal")
    var next = 0
    for step in steps {
      let parts = step.split(separator: ":")
      let count = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
      switch parts.first {
      case "batches": write(count, of: 5, to: store, &next)
      case "reserved": write(count, of: 20, areReserved: true, to: store, &next)
      case "fill": fill(directory, leaving: count)
      case "read": try read(store)
      default: return report("failed \(step)")
      }
    }
  }

  private static func write(
    _ batches: Int, of count: Int, areReserved: Bool = false, to store: Store, _ next: inout Int
  ) {
    var refused = 0
    for _ in 0..<batches where refused < refusedBatches {
      let jobs = (next..<next + count).map { number in
        ToldJob(number, areReserved ? .reserved : NumberedJob.admission(of: number))
      }
      for job in jobs { store.submit(job) }
      for job in jobs { job.done.wait() }
      next += count
      if jobs.contains(where: { $0.isRefused }) { refused += 1 }
    }
  }

  /// Takes a block at a time where they are not to be had at once.
  private static func fill(_ directory: String, leaving pages: Int) {
    var figures = statvfs()
    guard unsafe statvfs(directory, &figures) == 0 else { return report("failed statvfs") }
    let descriptor = unsafe open("\(directory)/../other", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    var bytes = max(0, Int(figures.f_bavail * figures.f_frsize) - pages * 4_096)
    while bytes > 0, posix_fallocate(descriptor, 0, bytes) != 0 { bytes -= 4_096 }
    report("filled")
  }

  private static func read(_ store: Store) throws {
    let counts = try store.read { transaction in
      try [Table.cards, .audit, .idempotency].map { try transaction.count(of: $0) }
    }
    report("read \(counts.map(String.init).joined(separator: " "))")
  }
}

/// A job that tells of its end before anything else can happen.
private final class ToldJob: WriteJob {
  let admission: Admission
  let done = Gate()
  private let number: Int
  private let refusal = Atomic(false)
  /// Whether it found no room.
  var isRefused: Bool { refusal.load(ordering: .acquiring) }

  init(_ number: Int, _ admission: Admission) {
    self.number = number
    self.admission = admission
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    try NumberedJob.apply(number, to: &transaction)
  }

  func complete(_ result: Result<Void, StorageError>) {
    switch result {
    case .success: report("stored \(number)")
    case .failure(.full):
      refusal.store(true, ordering: .releasing)
      report("full \(number)")
    case .failure(let error): report("failed \(error)")
    }
    done.open()
  }
}
