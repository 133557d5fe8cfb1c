import AuditLog
import Bytes
import CardStore
import Cards
import Glibc
import Keyring
import SecretMemory
import Storage
import TestSupport

/// A run of the vault, write by write, and what the store holds after each of its batches.
struct RecordedRun: Sendable {
  /// What the store came to when the disk had the events before this one.
  private struct State: Sendable {
    let event: Int
    let contents: StoreContents
  }

  /// What a store is after the power came back.
  enum Outcome: Equatable {
    case whole
    /// Something that was durable is not there, and nothing says so.
    case lost(String)
    /// It does not open, or cannot be read.
    case refused(String)
    /// It holds what it never held: half of a batch, or something else.
    case torn(String)
  }

  /// What a try came to.
  struct Trial {
    let outcome: Outcome
    /// Before which event the run ended.
    let event: Int
    /// How many starts lost their power.
    let starts: Int
  }

  static let shared = Result { try RecordedRun() }

  private static let batches = 24
  /// Size of the map in bytes: as `TokenizeRun` has it.
  private static let mapSize = 16 << 20

  private let directory: TemporaryDirectory
  private let recorder: WriteRecorder
  private let source: FileKeySource
  private let slots: SecretPool
  /// The files with which it began.
  private let before: [RecordedWrites.File: [UInt8]]
  /// Those with which it ended.
  private let after: [RecordedWrites.File: [UInt8]]
  private let events: [RecordedWrites.Event]
  private var states: [State] = []

  init() throws {
    directory = try TemporaryDirectory(untilExit: true, inMemory: true)
    recorder = try WriteRecorder(in: directory)
    let house = "\(directory.path)/house"
    let answers = "\(directory.path)/acknowledged"
    // What the run begins with: pages that were freed, and are used again, and a journal with frames.
    let program = try ChildProgram.path("TokenizeRun")
    try Self.demand(ChildProgram.run([program, house, "4", answers]) == 0, "a store")
    before = try Self.files(in: "\(house)/store")
    let recorded = try recorder.run(
      "TokenizeRun", [house, "\(Self.batches)", answers], log: "\(directory.path)/writes")
    try Self.demand(recorded.status == 0, "a good end")
    events = recorded.events
    after = try Self.files(in: "\(house)/store")
    source = FileKeySource(directory: "\(house)/keys")
    slots = try SecretPool(slots: 8, slotSize: 32)
    let commits = events.count { if case .latestIsDurable(.cards) = $0 { true } else { false } }
    try Self.demand(commits > Self.batches / 3, "commits of LMDB: there are \(commits)")
    try Self.demand(told(before: events.count).count == Self.batches * 16, "every answer")
    var disk = LossyDisk(before)
    disk.replay(events[...])
    try Self.demand(disk.seen == after, "some of the writes")
    states = try recordedStates()
    try Self.demand(states.count > Self.batches, "batches: there are \(states.count)")
    // What a stopped vault has left behind needs no journal.
    let end = try Store.open(at: "\(house)/store", mapSize: Self.mapSize).readOn {
      try StoreContents(of: $0)
    }
    try Self.demand(end == states.last?.contents, "the same end")
  }

  /// Tests that share the run fail, each by itself, where it is not what they need.
  private static func demand(_ isThere: Bool, _ what: String) throws {
    if !isThere { throw Missing(what: what) }
  }

  private static func files(in store: String) throws -> [RecordedWrites.File: [UInt8]] {
    try [
      .cards: fileBytes(of: "\(store)/cards.mdb"),
      .journal: fileBytes(of: "\(store)/cards.journal"),
    ]
  }

  /// The tokens that clients had been told before an event.
  private func told(before event: Int) -> [Token] {
    events[..<event].compactMap {
      guard case .acknowledged(let line) = $0 else { return nil }
      return Token(String(decoding: line.dropLast(), as: UTF8.self))
    }
  }

  /// What a start finds after each event that made something durable, where nothing is lost.
  private func recordedStates() throws -> [State] {
    var states: [State] = []
    var disk = LossyDisk(before)
    for event in 0...events.count {
      if event > 0 {
        disk.replay(events[event - 1..<event])
        switch events[event - 1] {
        case .latestIsDurable(.cards), .allAreDurable(.journal): break
        default: continue
        }
      }
      try withStore(of: disk.files, named: "state") { directory in
        let store = try Store.open(at: directory, mapSize: Self.mapSize)
        let problem = try problem(in: store)
        try Self.demand(problem == nil, "a store after event \(event): \(problem ?? "")")
        let contents = try store.readOn { try StoreContents(of: $0) }
        if contents != states.last?.contents {
          states.append(State(event: event, contents: contents))
        }
      }
    }
    return states
  }

  private func withStore<R>(
    of files: [RecordedWrites.File: [UInt8]], named name: String, _ body: (String) throws -> R
  ) throws -> R {
    let store = "\(directory.path)/\(name)"
    try Self.demand(unsafe mkdir(store, 0o700) == 0, store)
    defer { TemporaryDirectory.removeAll(store) }
    for (file, bytes) in files { try writeFile(bytes, to: "\(store)/\(file.name)") }
    return try body(store)
  }

  // MARK: - Power loss

  /// Ends the run somewhere, and what a start does after it up to three times, and looks at what is left.
  func losePower(seed: Int, flaw: LossyDisk.Flaw? = nil) throws -> Trial {
    var disk = LossyDisk(before, seed: UInt64(seed), flaw: flaw)
    let event = disk.random(upTo: events.count)
    disk.replay(events[..<event])
    let name = "try-\(flaw.map { "\($0)" } ?? "sound")-\(seed)"
    // A disk with a flaw shows it the first time.
    let starts = flaw == nil ? disk.random(upTo: 3) : 0
    try endStarts(starts, on: &disk, named: name)
    return try trial(&disk, named: name, event: event, starts: starts)
  }

  /// Ends what a start does that finds the store as the run left it, and no journal, so that it makes one.
  func losePowerWithoutJournal(seed: Int) throws -> Trial {
    var disk = LossyDisk(after.filter { $0.key == .cards }, seed: UInt64(seed))
    let name = "try-without-\(seed)"
    let starts = 1 + disk.random(upTo: 2)
    try endStarts(starts, on: &disk, named: name)
    return try trial(&disk, named: name, event: events.count, starts: starts)
  }

  /// Starts a store so often, and ends each start before it has stopped again. Before each, the power fails
  /// or not: where the process alone was killed, a start sees what the disk need not have.
  private func endStarts(_ count: Int, on disk: inout LossyDisk, named name: String) throws {
    for start in 0..<count {
      if disk.random(upTo: 1) == 0 { disk.losePower() }
      let recorded = try withStore(of: disk.seen, named: name) {
        try recorder.run("TokenizeRun", [$0, "recover"], log: "\(directory.path)/\(name).writes")
      }
      try Self.demand(recorded.status == 0, "a good end of start \(start) of \(name)")
      disk.replay(recorded.events[..<disk.random(upTo: recorded.events.count)])
    }
  }

  /// Loses the power; what the last start finds.
  private func trial(
    _ disk: inout LossyDisk, named name: String, event: Int, starts: Int
  ) throws -> Trial {
    disk.losePower()
    let outcome = try withStore(of: disk.files, named: name) { store in
      do { return try look(at: Store.open(at: store, mapSize: Self.mapSize), event: event) } catch {
        return .refused("\(error)")
      }
    }
    return Trial(outcome: outcome, event: event, starts: starts)
  }

  private func look(at store: Store, event: Int) throws -> Outcome {
    let contents = try store.readOn { try StoreContents(of: $0) }
    let missing = try store.readOn { transaction in
      try told(before: event).count { token in
        let bytes = token.bytes
        return try !transaction.contains(bytes.span.rawSpan, in: .cards)
      }
    }
    if missing > 0 { return .lost("\(missing) acknowledged cards") }
    if let problem = try problem(in: store) { return .torn(problem) }
    let last = states.lastIndex { $0.event <= event } ?? 0
    // A batch whose sync had not returned is there or not.
    if states[last...].prefix(2).contains(where: { $0.contents == contents }) { return .whole }
    if states[..<last].contains(where: { $0.contents == contents }) {
      return .lost("something that was durable")
    }
    return .torn("the contents are those of no batch")
  }

  /// What is wrong with a store, whichever batch was its last.
  private func problem(in store: Store) throws -> String? {
    let keyring = try KeyringStore.open(in: store, source: source)
    let cards = try CardVerifier(store: store, keyring: keyring, slots: slots).verify(
      comparesIndex: false)
    if !cards.isSound { return "\(cards.damagedCount) records do not open" }
    if let finding = try AuditVerifier.verify(store).finding { return "the log: \(finding)" }
    let log = AuditReader(store)
    let creations = try log.cards(.created, below: log.size())
    if cards.records % 16 != 0 || creations != cards.records {
      return "\(cards.records) cards, and \(creations) in the log"
    }
    return nil
  }
}

/// Everything that a store holds, but for what says how far LMDB is behind the journal.
struct StoreContents: Equatable, Sendable {
  private var rows: [UInt8] = []

  init(of transaction: borrowing StoreReadTransaction) throws {
    for table in Table.allCases {
      try transaction.forEach(in: table) { key, value in
        if table == .meta, ["format", "journal"].contains(key.text) { return true }
        rows.append(contentsOf: [UInt8(table.rawValue.utf8.count)] + Array(table.rawValue.utf8))
        for bytes in [key.array, value.array] {
          rows.append(contentsOf: UInt32(bytes.count).bigEndianBytes)
          rows.append(contentsOf: bytes)
        }
        return true
      }
    }
  }
}
