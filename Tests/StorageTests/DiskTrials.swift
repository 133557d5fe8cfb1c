import Glibc
import Storage
import TestSupport

/// Runs of a child process on a small disk, each with its kill and the starts after it.
struct DiskTrials {
  /// How one went.
  struct Outcome {
    let told: ToldJobs
    /// Whether there, without any room, nothing could be looked at, or nothing started, and that was said.
    var isLookRefused = false
    var isStartRefused = false
    var faults: [String] = []
  }

  private static let mapSize = 8 << 20
  private let directory: TemporaryDirectory
  private let process: FaultyProcess
  private let disk: SmallDisk
  private var store: String { "\(disk.path)/store" }

  init(_ kind: SmallDisk.Kind) throws {
    directory = try TemporaryDirectory()
    process = FaultyProcess(directory)
    disk = try SmallDisk(kind)
  }

  /// Runs the steps twice on a disk with so many pages, or with room enough: killed at the end, and at
  /// some write or sync.
  func run(leaving pages: Int?, _ steps: [String], seed: Int) throws -> [Outcome] {
    let first = try run(leaving: pages, steps, killedAt: nil, hasRoomAtOnce: seed % 3 == 1)
    guard first.told.isCreated else { return [first] }
    // Each batch is a frame, a sync and a mark, and some are LMDB's.
    let calls = 20 + (first.told.stored + first.told.refused) / 4
    var generator = SeededGenerator(seed: UInt64(seed))
    let call = Int.random(in: 1...calls, using: &generator)
    let second = try run(leaving: pages, steps, killedAt: call, hasRoomAtOnce: seed % 3 == 2)
    return [first, second]
  }

  private func run(
    leaving pages: Int?, _ steps: [String], killedAt call: Int?, hasRoomAtOnce: Bool
  ) throws -> Outcome {
    disk.empty()
    guard unsafe mkdir(store, 0o700) == 0 else { throw Fault("no directory") }
    if let pages { try disk.leave(pages: pages) }
    let variables = call.map { ["STORAGE_FAULT_AT=\($0)", "STORAGE_FAULT_CODE=0"] } ?? []
    let result = try process.run(arguments: ["disk", store] + steps, more: variables)
    let told = ToldJobs(result.lines)
    var outcome = Outcome(told: told)
    if result.status != -SIGKILL { outcome.faults.append("status \(result.status)") }
    outcome.faults += Set(told.failures).sorted()
    let name = call.map { "killed at call \($0)" } ?? "killed at the end"
    do { try start(told, &outcome, hasRoomAtOnce: hasRoomAtOnce) } catch {
      outcome.faults.append("\(error)")
    }
    outcome.faults = outcome.faults.map { "\(name), \(told.stored) stored: \($0)" }
    return outcome
  }

  // MARK: - After the kill

  /// Looks at the store while it has no room, starts it so, and starts it once more with room.
  private func start(
    _ told: ToldJobs, _ outcome: inout Outcome, hasRoomAtOnce: Bool
  ) throws {
    guard told.isCreated else {
      disk.giveBack()
      return try create()
    }
    var told = told
    if !hasRoomAtOnce {
      try disk.leave(pages: 0)
      if let reader = try openedWithoutRoom(isReadOnly: true) {
        try compare(reader, &told, "read without room")
      } else {
        outcome.isLookRefused = true
      }
      if let store = try openedWithoutRoom() {
        try goOn(with: store, &told, "without room", mayBeFull: true)
      } else {
        outcome.isStartRefused = true
      }
    }
    disk.giveBack()
    try goOn(with: open(), &told, "with room", mayBeFull: false)
  }

  /// Where there was no room for a store, nothing is in the way of one.
  private func create() throws {
    guard let identifier = StoreIdentifier(Array(1...16)) else { return }
    try Store.create(at: store, mapSize: Self.mapSize, storeIdentifier: identifier)
    _ = try open()
  }

  private func open(isReadOnly: Bool = false) throws(StorageError) -> Store {
    var options = Store.Options()
    options.isReadOnly = isReadOnly
    return try Store.open(at: store, mapSize: Self.mapSize, options: options)
  }

  /// Nil where that says that it lacks room.
  private func openedWithoutRoom(isReadOnly: Bool = false) throws(StorageError) -> Store? {
    do throws(StorageError) { return try open(isReadOnly: isReadOnly) } catch {
      guard error.isOfRoom else { throw error }
      return nil
    }
  }

  /// Compares a store, writes to it and compares it again, with a writer that commits LMDB late.
  private func goOn(
    with store: Store, _ told: inout ToldJobs, _ name: String, mayBeFull: Bool
  ) throws {
    try compare(store, &told, "opened \(name)")
    let end = Collected<StorageError>()
    var limits = WriterLimits()
    limits.journal.nanoseconds = 1 << 60
    limits.journal.idleNanoseconds = 1 << 60
    try store.startWriter(limits: limits) { end.append($0) }
    for _ in 0..<3 {
      let numbers = (0..<5).map { _ in told.newNumber() }
      let jobs = numbers.map { number in
        Job(NumberedJob.admission(of: number)) { try NumberedJob.apply(number, to: &$0) }
      }
      for job in jobs { store.submit(job) }
      store.drain()
      for (number, job) in zip(numbers, jobs) {
        if job.succeeded {
          told.store(number)
        } else if !mayBeFull || job.storageError != .full {
          throw Fault("\(number) \(name): \(job.error.map { "\($0)" } ?? "no answer")")
        }
      }
    }
    try compare(store, &told, "written to \(name)")
    store.stopWriter()
    if let cause = end.elements.first { throw Fault("writing ended \(name): \(cause)") }
  }

  private func compare(_ store: Store, _ told: inout ToldJobs, _ name: String) throws {
    let found = try store.rows()
    told.complete(with: found)
    let expected = told.all
    if found == expected { return }
    let missing = expected.filter { !found.contains($0) }
    let strange = found.filter { !expected.contains($0) }
    throw Fault(
      "\(name): \(missing.count) of \(expected.count) rows are missing, \(strange.count) are strange, "
        + "first \((missing + strange).first.map { "\($0.table) \($0.key)" } ?? "their order")")
  }

  private struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ text: String) { description = text }
  }
}
