import AuditLog
import Bytes
import CardStore
import Cards
import Glibc
import Keyring
import SecretMemory
import Storage
import TestSupport
import Testing

/// The power fails at any moment: of what was written since the disk last said that it had everything,
/// any part may be missing.
///
/// A run of the vault is recorded once, write by write. Each try ends it somewhere and makes the file that
/// the disk may hold then: all that was made durable, and of every later write all, nothing, or some of
/// its pages or sectors.
@Suite struct PowerLossTests {
  private static let tries = 200

  @Test(.timeLimit(.minutes(30)))
  func `no acknowledged card is lost with the power, whatever the disk had not written yet`()
    throws
  {
    let directory = try TemporaryDirectory()
    let house = "\(directory.path)/house"
    let program = try ChildProgram.path("TokenizeRun")
    // What the run begins with: pages that were freed, and are used again.
    try #require(try ChildProgram.run([program, house, "4"]) == 0)
    let before = try fileBytes(of: "\(house)/store/cards.mdb")
    let recorded = try RecordedWrites(
      of: "TokenizeRun", [house, "24", "\(directory.path)/acknowledged"], in: directory)
    #expect(recorded.acknowledgements == 24 * 16)
    let source = FileKeySource(directory: "\(house)/keys")
    let slots = try SecretPool(slots: 8, slotSize: 32)

    for seed in 0..<Self.tries {
      var disk = LossyDisk(before, seed: UInt64(seed))
      let end = disk.random(below: recorded.events.count + 1)
      let told = disk.replay(recorded.events[..<end])
      let store = "\(directory.path)/try"
      try #require(unsafe mkdir(store, 0o700) == 0)
      defer { TemporaryDirectory.removeAll(store) }
      try writeFile(disk.afterPowerLoss(), to: "\(store)/cards.mdb")
      let problem = try problem(in: store, source: source, slots: slots, told: told)
      try #require(problem == nil, "\(problem ?? "") (seed \(seed), event \(end))")
    }
  }

  /// What is wrong with a store after the power came back.
  private func problem(
    in directory: String, source: FileKeySource, slots: SecretPool, told: [Token]
  ) throws -> String? {
    let store = try Store.open(at: directory, mapSize: 64 << 20)
    let keyring = try KeyringStore.open(in: store, source: source)
    let cards = try CardVerifier(store: store, keyring: keyring, slots: slots).verify(
      comparesIndex: false)
    if !cards.isSound { return "\(cards.damagedCount) records do not open" }
    if let finding = try AuditVerifier.verify(store).finding { return "the log: \(finding)" }
    let missing = try store.read { transaction in
      try told.count { token in
        let bytes = token.bytes
        return try !transaction.contains(bytes.span.rawSpan, in: .cards)
      }
    }
    return missing == 0 ? nil : "\(missing) of \(told.count) acknowledged cards are lost"
  }
}

extension RecordedWrites {
  /// How often somebody was told something.
  fileprivate var acknowledgements: Int {
    events.count { if case .acknowledged = $0 { true } else { false } }
  }
}

/// A disk that holds writes back until it is told to be done with them.
private struct LossyDisk {
  private struct Write {
    let offset: Int
    let bytes: ArraySlice<UInt8>
  }

  private var durable: [UInt8]
  private var pending: [Write] = []
  private var state: UInt64

  init(_ bytes: [UInt8], seed: UInt64) {
    durable = bytes
    state = seed
  }

  /// Takes the events up to the moment at which the power fails.
  ///
  /// - Returns: the tokens that clients had been told.
  mutating func replay(_ events: ArraySlice<RecordedWrites.Event>) -> [Token] {
    var told: [Token] = []
    for event in events {
      switch event {
      case .write(let offset, let bytes): pending.append(Write(offset: offset, bytes: bytes))
      case .latestIsDurable: if let write = pending.popLast() { apply(write) }
      case .allAreDurable:
        for write in pending { apply(write) }
        pending = []
      case .acknowledged(let line):
        if let token = Token(String(decoding: line.dropLast(), as: UTF8.self)) {
          told.append(token)
        }
      }
    }
    return told
  }

  /// What the file holds when the power is back.
  mutating func afterPowerLoss() -> [UInt8] {
    for write in pending {
      switch random(below: 4) {
      case 0: break
      case 1: apply(write)
      case 2: applySome(of: write, unit: 512)
      default: applySome(of: write, unit: 4_096)
      }
    }
    pending = []
    return durable
  }

  private mutating func applySome(of write: Write, unit: Int) {
    var start = 0
    while start < write.bytes.count {
      // Units are those of the disk, not of the write.
      let end = min(write.bytes.count, start + unit - (write.offset + start) % unit)
      if random(below: 2) == 0 {
        let first = write.bytes.startIndex
        apply(
          Write(offset: write.offset + start, bytes: write.bytes[first + start..<first + end]))
      }
      start = end
    }
  }

  private mutating func apply(_ write: Write) {
    let end = write.offset + write.bytes.count
    if durable.count < end {
      durable.append(contentsOf: repeatElement(0, count: end - durable.count))
    }
    durable.replaceSubrange(write.offset..<end, with: write.bytes)
  }

  /// SplitMix64, so that a seed that fails fails again.
  mutating func random(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((value ^ value >> 31) % UInt64(bound))
  }
}
