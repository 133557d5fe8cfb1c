import Glibc
import TestSupport
import Testing

/// What a tokenization costs, in instructions: a number that does not depend on what else the machine
/// does, so that a few per cent more is seen at once.
///
/// The program `TokenizeRun` runs under valgrind with few cards and with more; what both do alike,
/// such as starting, cancels out. It is the debug build of the suite that is counted: its figure says
/// how much work there is, not how fast the service is. See the page Measuring of the documentation.
@Suite struct InstructionBudgetTests {
  /// Instructions for one new card: decoded number, digests of its shown digits, fingerprint, token,
  /// sealed record, audit line, leaf hash, answer, and a sixteenth of a batch's commit, without what the kernel does.
  /// Of these, 4,000 are that each page of the store is known to be sound before the engine touches it.
  /// How long threads waited for each other is some hundred more or less.
  private static let budget = 437_000
  private static let cardsInBatch = 16

  @Test(.timeLimit(.minutes(30)))
  func `a tokenization stays within its budget of instructions`() throws {
    let few = try instructions(batches: 2)
    let more = try instructions(batches: 10)
    let each = (more - few) / (8 * Self.cardsInBatch)
    #expect(
      each <= Self.budget,
      "\(each) instructions: find out what came in, or raise the budget and say why")
    #expect(
      each >= Self.budget * 9 / 10,
      "\(each) instructions: it got cheaper, so hold it there: lower the budget")
  }

  /// Counts what a run takes.
  private func instructions(batches: Int) throws -> Int {
    let directory = try TemporaryDirectory()
    let counts = "\(directory.path)/counts"
    let valgrind = "/usr/bin/valgrind"
    try #require(
      unsafe access(valgrind, X_OK) == 0, "valgrind is missing: apt-get install valgrind")
    let status = try ChildProgram.run([
      valgrind, "--tool=callgrind", "--callgrind-out-file=\(counts)", "-q",
      ChildProgram.path("TokenizeRun"), "\(directory.path)/run", "\(batches)",
    ])
    try #require(status == 0, "TokenizeRun ended with status \(status)")
    let lines = String(decoding: try fileBytes(of: counts), as: UTF8.self).split(separator: "\n")
    let total = try #require(lines.last { $0.hasPrefix("totals: ") }, "no totals in \(counts)")
    return try #require(Int(total.dropFirst("totals: ".count)))
  }
}
