import SystemCalls

/// Clients' deletions for which there would be room if those who read ended: they wait beside the writer's
/// queue, two seconds at most, and nobody waits for them.
struct DeferredJobs {
  /// Between two tries.
  static let pause = Duration.milliseconds(5)
  private static let mostNanoseconds: UInt64 = 2_000_000_000
  private static let mostJobs = 512

  private var jobs: [any WriteJob] = []
  /// Until when each of them waits, and those that are being tried again.
  private var deadlines: [ObjectIdentifier: UInt64] = [:]
  private var triedDeadlines: [ObjectIdentifier: UInt64] = [:]

  var isEmpty: Bool { jobs.isEmpty }

  /// Keeps a job to be tried again; false where it has waited long enough, or too many wait.
  mutating func keep(_ job: any WriteJob) -> Bool {
    let now = SystemClock.monotonicNanoseconds()
    let name = ObjectIdentifier(job)
    let deadline = triedDeadlines[name] ?? now + Self.mostNanoseconds
    guard now < deadline, jobs.count < Self.mostJobs else { return false }
    jobs.append(job)
    deadlines[name] = deadline
    return true
  }

  /// Gives all of them to be tried again, in the order in which they came.
  mutating func takeAll() -> [any WriteJob] {
    triedDeadlines = deadlines
    deadlines.removeAll(keepingCapacity: true)
    defer { jobs.removeAll() }
    return jobs
  }
}
