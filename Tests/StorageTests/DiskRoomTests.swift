import Glibc
import Storage
import TestSupport
import Testing

/// A disk that ends at any page, or is filled by others at any moment, while the journal has what LMDB
/// lacks: the process is killed then, and what it had acknowledged is compared whole with what is there,
/// with no room at all and with room again. Needs to be root: it mounts the disks.
///
/// `CADENAS_DISK_SIZES` says how many sizes and moments are tried; a release is tested with all.
@Suite(.timeLimit(.minutes(60))) struct DiskRoomTests {
  private static let asked = unsafe getenv("CADENAS_DISK_SIZES").flatMap {
    unsafe Int(String(cString: $0))
  }
  /// From a disk without room for a store to one on which everything fits, in pages.
  private static let sizes = 0..<1_700
  private static let fewest = 12
  /// Batches before others fill the disk.
  private static let moments = 0..<400

  /// Numbers of a range, evenly spread; not of one remainder. On ext4, where a file takes blocks for what it
  /// is made of too, and no size is a matter of one page, a quarter of those that are asked for.
  private static func some(of range: Range<Int>, _ kind: SmallDisk.Kind) -> [Int] {
    let asked = asked ?? fewest
    let count = min(kind == .tmpfs ? asked : max(asked / 4, fewest), range.count)
    return (0..<count).map { range.lowerBound + ($0 * range.count + $0 % 7) / count }
  }

  @Test(arguments: [SmallDisk.Kind.tmpfs, .ext4])
  func `a disk that is full at any page loses nothing and ends nothing`(
    kind: SmallDisk.Kind
  ) throws {
    let trials = try DiskTrials(kind)
    var tally = DiskTally()
    for pages in Self.some(of: Self.sizes, kind) {
      tally.add("\(kind), \(pages) pages") {
        try trials.run(
          leaving: pages,
          ["batches:40", "read", "batches:60", "reserved:80", "read", "batches:5"], seed: pages)
      }
    }
    if Self.asked != nil { print("disk of any size, \(kind): \(tally.text)") }
    #expect(tally.faults.isEmpty, "\(tally.text)")
    #expect(tally.isOfEveryKind, "\(tally.text)")
  }

  @Test(arguments: [SmallDisk.Kind.tmpfs, .ext4])
  func `a disk that others fill at any moment loses nothing and ends nothing`(
    kind: SmallDisk.Kind
  ) throws {
    let trials = try DiskTrials(kind)
    var tally = DiskTally()
    for moment in Self.some(of: Self.moments, kind) {
      let filling = "fill:\([0, 1, 3, 20, 40][moment % 5])"
      tally.add("\(kind), filled after \(moment) batches") {
        try trials.run(
          leaving: nil,
          ["batches:\(moment)", filling] + (moment % 2 == 0 ? ["read"] : [])
            + ["batches:100", "reserved:80", "read", "batches:5"], seed: moment)
      }
    }
    if Self.asked != nil { print("disk filled at any moment, \(kind): \(tally.text)") }
    #expect(tally.faults.isEmpty, "\(tally.text)")
    #expect(tally.refusing > 0, "\(tally.text)")
  }
}

/// What became of many trials.
private struct DiskTally {
  private(set) var trials = 0
  private(set) var withoutStore = 0
  private(set) var withoutJournal = 0
  private(set) var refusing = 0
  private(set) var fitting = 0
  private(set) var killedEarly = 0
  private var refusedLooks = 0
  private var refusedStarts = 0
  private(set) var faults: [String] = []

  mutating func add(_ name: String, _ body: () throws -> [DiskTrials.Outcome]) {
    do {
      for outcome in try body() {
        trials += 1
        if outcome.told.isKilledEarly { killedEarly += 1 }
        if outcome.isLookRefused { refusedLooks += 1 }
        if outcome.isStartRefused { refusedStarts += 1 }
        if !outcome.told.isCreated {
          withoutStore += 1
        } else if !outcome.told.hasJournal {
          withoutJournal += 1
        } else if outcome.told.refused > 0 {
          refusing += 1
        } else if !outcome.told.isKilledEarly {
          fitting += 1
        }
        faults += outcome.faults.map { "\(name): \($0)" }
      }
    } catch { faults.append("\(name): \(error)") }
  }

  /// Whether the sizes reached from no room for a store to room for everything.
  var isOfEveryKind: Bool {
    withoutStore > 0 && withoutJournal > 0 && refusing > 0 && fitting > 0
  }

  var text: String {
    "\(trials) trials: \(withoutStore) without a store, \(withoutJournal) without a journal, "
      + "\(refusing) that refused, \(fitting) in which everything fitted, \(killedEarly) killed "
      + "before their end; \(refusedLooks) looks and \(refusedStarts) starts refused for want of room; "
      + "\(faults.count) faults" + faults.prefix(8).map { "; \($0)" }.joined()
  }
}
