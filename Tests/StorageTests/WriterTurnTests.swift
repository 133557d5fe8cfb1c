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
  private mutating func jobsOfNextTurn() -> Int? {
    var jobs: [any WriteJob] = []
    guard let turn = state.nextTurn(taking: &jobs) else {
      #expect(jobs.isEmpty && state.isWaiting)
      return nil
    }
    guard case .jobs = turn else { return 0 }
    #expect(!state.isWaiting)
    return jobs.count
  }

  @Test mutating func `a thread that waits is woken once`() {
    #expect(jobsOfNextTurn() == nil)
    let (first, second) = (state.wake(), state.wake())
    #expect(first && !second)
    queue(1)
    #expect(jobsOfNextTurn() == 1)
    let third = state.wake()
    #expect(!third)
  }

  @Test mutating func `no more jobs go together than a batch may have`() {
    state.limits = WriterLimits(batch: 4)
    queue(6)
    #expect(jobsOfNextTurn() == 4)
    #expect(jobsOfNextTurn() == 2)
  }

  @Test mutating func `what was accepted is done before a stop`() {
    queue(3)
    state.phase = .stopping
    #expect(jobsOfNextTurn() == 3)
    var jobs: [any WriteJob] = []
    guard case .stop = state.nextTurn(taking: &jobs) else {
      Issue.record("it does not stop")
      return
    }
    #expect(state.phase == .stopped)
  }

  @Test mutating func `who waits for a snapshot comes first, then a compaction, then jobs`() {
    queue(3)
    state.compactions.append(CompactionRequest { _, _ in true })
    state.wantsCommit = true
    var jobs: [any WriteJob] = []
    guard case .commit = state.nextTurn(taking: &jobs),
      case .compaction = state.nextTurn(taking: &jobs)
    else {
      Issue.record("it does neither")
      return
    }
    #expect(jobs.isEmpty && state.compactions.isEmpty && !state.wantsCommit)
    #expect(jobsOfNextTurn() == 3)
  }
}
