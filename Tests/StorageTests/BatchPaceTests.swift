import Testing

@testable import Storage

/// When the next batch may begin.
@Suite struct BatchPaceTests {
  private static let microsecond: UInt64 = 1_000

  private var pace = BatchPace()

  /// Notes a batch that began at a time and took so long, both in microseconds.
  private mutating func commit(_ jobs: Int, at begin: UInt64, taking duration: UInt64) {
    pace.batchDidCommit(
      jobs: jobs, began: begin * Self.microsecond, ended: (begin + duration) * Self.microsecond)
  }

  /// When it may begin, in microseconds.
  private var earliest: UInt64? { pace.earliestNanoseconds.map { $0 / Self.microsecond } }

  @Test func `the first batch waits for nothing`() { #expect(earliest == nil) }

  @Test(arguments: [1, 2, 3])
  mutating func `after a batch of few jobs nothing is waited for`(jobs: Int) {
    commit(20, at: 0, taking: 200)
    commit(jobs, at: 1000, taking: 200)
    #expect(earliest == nil)
  }

  @Test mutating func `several jobs set the pace by the quickest commit`() {
    commit(1, at: 0, taking: 150)
    commit(4, at: 1000, taking: 900)
    #expect(earliest == 1000 + 3 * 150)
    commit(40, at: 3000, taking: 100)
    #expect(earliest == 3000 + 3 * 100)
  }

  @Test mutating func `as many jobs as lately came together are enough`() {
    commit(5, at: 0, taking: 100)
    #expect(pace.enoughJobs == 5)
    commit(9, at: 1000, taking: 100)
    commit(2, at: 2000, taking: 100)
    #expect(pace.enoughJobs == 9)
    commit(100, at: 3000, taking: 100)
    #expect(pace.enoughJobs == 16)
    for number in 4..<200 { commit(6, at: UInt64(number) * 1000, taking: 100) }
    #expect(pace.enoughJobs == 6)
  }

  @Test mutating func `a slow disk is waited for no longer than a payment can bear`() {
    commit(8, at: 0, taking: 9_000)
    #expect(earliest == 2_000)
  }

  @Test mutating func `a disk that has become slower is believed after a while`() {
    commit(8, at: 0, taking: 100)
    for number in 1...128 {
      // Batches of few jobs count as well.
      commit(number == 63 ? 1 : 8, at: UInt64(number) * 1000, taking: 300)
      if number == 127 { #expect(earliest == 127_000 + 3 * 100) }
    }
    #expect(earliest == 128_000 + 3 * 300)
  }
}
