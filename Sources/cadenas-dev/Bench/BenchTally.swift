/// What connections saw: durations, answers by status, wrong ones, and requests that got none.
struct BenchTally: Sendable {
  private(set) var latency = LatencyHistogram()
  private var byStatus = [Int](repeating: 0, count: 600)
  /// Answers that were not what they had to be.
  private(set) var wrong = 0
  /// Requests whose connection was closed before the answer.
  var lost = 0
  /// Requests that had their time and no answer before the end: each counts with how late it was.
  private(set) var overdue = 0

  mutating func record(status: Int, isRight: Bool, nanoseconds: UInt64) {
    latency.record(nanoseconds)
    byStatus[min(max(status, 0), 599)] += 1
    if !isRight { wrong += 1 }
  }

  /// Counts a request that was still without an answer `nanoseconds` after its time.
  mutating func recordOverdue(nanoseconds: UInt64) {
    latency.record(nanoseconds)
    overdue += 1
  }

  mutating func add(_ other: BenchTally) {
    latency.add(other.latency)
    for index in byStatus.indices { byStatus[index] += other.byStatus[index] }
    wrong += other.wrong
    lost += other.lost
    overdue += other.overdue
  }

  /// How many answers each status had, those without any left out.
  var statuses: [(status: Int, count: Int)] {
    byStatus.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) }
  }

  var answered: Int { byStatus.reduce(0, +) }

  /// Answers that were not what they had to be, and requests that got none.
  var failures: Int { wrong + lost }
}
