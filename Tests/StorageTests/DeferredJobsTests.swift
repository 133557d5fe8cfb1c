import Testing

@testable import Storage

/// Deletions that wait for room.
@Suite struct DeferredJobsTests {
  /// What a test's expectations may change.
  private final class Waiting {
    private var jobs = DeferredJobs()
    var isEmpty: Bool { jobs.isEmpty }
    func keep(_ job: Job, at nanoseconds: UInt64) -> Bool {
      jobs.keep(job, nowNanoseconds: nanoseconds)
    }
    func takeAll() -> [Job] { jobs.takeAll().compactMap { $0 as? Job } }
    func endTry() { jobs.endTry() }
  }

  private func job(of client: UInt32) -> Job { Job(.shared(by: client)) { _ in } }

  @Test func `a job keeps its deadline while it is tried again, and leaves it to no other`() {
    let jobs = Waiting()
    let first = job(of: 1)
    #expect(jobs.keep(first, at: 0))
    for now in stride(from: 0, to: DeferredJobs.mostNanoseconds, by: 500_000_000) {
      #expect(jobs.takeAll().count == 1)
      #expect(jobs.keep(first, at: now))
      jobs.endTry()
    }
    // It is done, and whatever comes next begins to wait.
    #expect(jobs.takeAll().count == 1)
    jobs.endTry()
    #expect(jobs.isEmpty)
    #expect(jobs.keep(first, at: DeferredJobs.mostNanoseconds))
    #expect(jobs.takeAll().count == 1)
    #expect(!jobs.keep(first, at: 2 * DeferredJobs.mostNanoseconds))
    jobs.endTry()
    #expect(jobs.isEmpty)
  }

  @Test func `those that are tried again keep their order and their places`() {
    let jobs = Waiting()
    let kept = (0..<DeferredJobs.mostJobs / 2).map { _ in job(of: 1) }
    for job in kept { #expect(jobs.keep(job, at: 0)) }
    #expect(!jobs.keep(job(of: 1), at: 0))
    let again = jobs.takeAll()
    #expect(again.map(ObjectIdentifier.init) == kept.map(ObjectIdentifier.init))
    // Before they are kept again nobody else has their places.
    #expect(!jobs.keep(job(of: 1), at: 1))
    for job in again { #expect(jobs.keep(job, at: 1)) }
    jobs.endTry()
    // What was not kept again has left its place.
    for job in jobs.takeAll().dropFirst() { #expect(jobs.keep(job, at: 2)) }
    #expect(!jobs.keep(job(of: 1), at: 2))
    jobs.endTry()
    #expect(jobs.keep(job(of: 1), at: 3))
    #expect(!jobs.keep(job(of: 1), at: 3))
  }

  @Test func `a flood of one client leaves places to the next`() {
    let jobs = Waiting()
    for client: UInt32 in 1...9 {
      var count = 0
      while jobs.keep(job(of: client), at: 0) { count += 1 }
      #expect(count == DeferredJobs.mostJobs >> client)
    }
  }
}
