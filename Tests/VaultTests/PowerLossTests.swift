import Glibc
import Testing

/// The power fails at any moment: of what was written since the disk last said that it had everything,
/// any part may be missing, of `cards.mdb` and of `cards.journal`.
///
/// A run of the vault is recorded once, write by write. Each try ends it somewhere and makes the files that
/// the disk may hold then: all that was made durable, and of every later write all, nothing, or some of
/// its pages or sectors; one unit that was being written may hold anything. The start after that is cut off
/// too, up to three times, with the power or alone. What the last start finds is compared whole with what the
/// run had written.
///
/// `CADENAS_POWER_LOSS_TRIES` says how often; a release is tested with 1,000.
@Suite struct PowerLossTests {
  private static let asked = unsafe getenv("CADENAS_POWER_LOSS_TRIES").flatMap {
    unsafe Int(String(cString: $0))
  }
  private static var tries: Int { asked ?? 200 }
  /// Of each of the other kinds.
  private static var fewTries: Int { max(20, tries / 10) }

  @Test(.timeLimit(.minutes(30)))
  func `no acknowledged card is lost with the power, whatever the disk had not written yet`()
    throws
  {
    let tally = try losses(tries: Self.tries)
    #expect(tally.whole == Self.tries, "\(tally.text)")
  }

  @Test(.timeLimit(.minutes(30)))
  func `nothing is lost where the power fails while a start makes a journal`() throws {
    let run = try RecordedRun.shared.get()
    let tally = try losses(of: "no journal", tries: Self.fewTries) {
      try run.losePowerWithoutJournal(seed: $0)
    }
    #expect(tally.whole == Self.fewTries, "\(tally.text)")
  }

  /// That is what the second half of the journal is for.
  @Test(.timeLimit(.minutes(30)))
  func `a commit of LMDB that the disk has lost is made again from the journal`() throws {
    let tally = try losses(on: .commitsLate(commits: 1), tries: Self.fewTries)
    #expect(tally.whole == Self.fewTries, "\(tally.text)")
  }

  /// Each takes away what the journal stands on: that frames are synced, that a half is used again only after
  /// two commits, that frames share no block. Where one makes no difference, the tests above see nothing.
  @Test(
    .timeLimit(.minutes(30)),
    arguments: [
      LossyDisk.Flaw.forgetsFrames, .commitsLate(commits: 2), .spoilsBlockBefore,
    ])
  func `a disk with a flaw is found out`(flaw: LossyDisk.Flaw) throws {
    let tally = try losses(on: flaw, tries: Self.fewTries)
    #expect(tally.lost + tally.refused > 0, "\(tally.text)")
  }

  private func losses(on flaw: LossyDisk.Flaw? = nil, tries: Int) throws -> Tally {
    let run = try RecordedRun.shared.get()
    return try losses(of: flaw.map { "\($0)" } ?? "both files", tries: tries) {
      try run.losePower(seed: $0, flaw: flaw)
    }
  }

  private func losses(
    of name: String, tries: Int, _ body: (_ seed: Int) throws -> RecordedRun.Trial
  ) throws -> Tally {
    var tally = Tally()
    for seed in 0..<tries { tally.add(try body(seed), seed: seed) }
    if Self.asked != nil { print("power loss, \(name): \(tally.text)") }
    return tally
  }
}

/// What became of many tries.
private struct Tally {
  private(set) var whole = 0
  private(set) var lost = 0
  private(set) var refused = 0
  private(set) var torn = 0
  private var starts = 0
  private var examples: [String] = []

  mutating func add(_ result: RecordedRun.Trial, seed: Int) {
    starts += result.starts
    switch result.outcome {
    case .whole: whole += 1
    case .lost: lost += 1
    case .refused: refused += 1
    case .torn: torn += 1
    }
    if result.outcome != .whole {
      examples.append("\(result.outcome) (seed \(seed), event \(result.event))")
    }
  }

  var text: String {
    "\(whole) whole, \(lost) lost, \(refused) refused, \(torn) torn; \(starts) starts cut off"
      + examples.prefix(5).map { "; \($0)" }.joined()
  }
}
