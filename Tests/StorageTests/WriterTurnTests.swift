import Testing

@testable import Storage

/// What the writer's thread does next, and when it is woken.
@Suite struct WriterTurnTests {
  private var state = Writer.State()

  init() { state.phase = .running }

  private mutating func queue(_ count: Int) {
    for _ in 0..<count { state.queue.append(Job { _ in }) }
  }

  /// How many jobs the next turn takes; nil where it waits. Other turns are none.
  private mutating func jobsOfNextTurn(withAtLeast count: Int) -> Int? {
    var jobs: [any WriteJob] = []
    guard let turn = state.nextTurn(withAtLeast: count, taking: &jobs) else {
      #expect(jobs.isEmpty)
      return nil
    }
    guard case .jobs = turn else { return 0 }
    #expect(state.wakesAt == .max)
    return jobs.count
  }

  @Test mutating func `fewer jobs than are enough wait, and are told when they are`() {
    queue(15)
    #expect(jobsOfNextTurn(withAtLeast: 16) == nil)
    #expect(state.wakesAt == 16)
    queue(1)
    #expect(jobsOfNextTurn(withAtLeast: 16) == 16)
  }

  @Test mutating func `one job is enough where no pace is set`() {
    #expect(jobsOfNextTurn(withAtLeast: 1) == nil)
    #expect(state.wakesAt == 1)
    queue(1)
    #expect(jobsOfNextTurn(withAtLeast: 1) == 1)
  }

  @Test(arguments: [(4, 512), (4096, 4), (0, 512), (4096, 0)])
  mutating func `more jobs than may wait or go together are not waited for`(queue: Int, batch: Int)
  {
    state.limits = WriterLimits(queue: queue, batch: batch)
    #expect(jobsOfNextTurn(withAtLeast: 16) == nil)
    #expect(state.wakesAt == max(1, min(queue, batch)))
  }

  @Test mutating func `a stop waits for nothing`() {
    queue(3)
    state.phase = .stopping
    #expect(jobsOfNextTurn(withAtLeast: 16) == 3)
    var jobs: [any WriteJob] = []
    guard case .stop = state.nextTurn(withAtLeast: 16, taking: &jobs) else {
      Issue.record("it does not stop")
      return
    }
    #expect(state.phase == .stopped)
  }

  @Test mutating func `a compaction waits for nothing`() {
    queue(3)
    state.compactions.append(CompactionRequest { _, _ in true })
    var jobs: [any WriteJob] = []
    guard case .compaction = state.nextTurn(withAtLeast: 16, taking: &jobs) else {
      Issue.record("it does not compact")
      return
    }
    #expect(jobs.isEmpty && state.compactions.isEmpty)
    #expect(jobsOfNextTurn(withAtLeast: 1) == 3)
  }
}
