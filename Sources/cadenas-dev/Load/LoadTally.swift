/// What connections saw: durations, answers by status, and requests that got none.
struct LoadTally: Sendable {
  private(set) var latency = LatencyHistogram()
  private var byStatus = [Int](repeating: 0, count: 600)
  /// Requests whose connection was closed before the answer.
  var lost = 0

  /// Counts one answer.
  mutating func record(status: Int, nanoseconds: UInt64) {
    latency.record(nanoseconds)
    byStatus[min(max(status, 0), 599)] += 1
  }

  /// Adds what `other` counted.
  mutating func add(_ other: LoadTally) {
    latency.add(other.latency)
    for index in byStatus.indices { byStatus[index] += other.byStatus[index] }
    lost += other.lost
  }

  /// How many answers each status had, those without any left out.
  var statuses: [(status: Int, count: Int)] {
    byStatus.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) }
  }

  /// Answers that were no success, and requests that got none.
  var failures: Int {
    statuses.filter { !(200...299).contains($0.status) }.reduce(lost) { $0 + $1.count }
  }
}
