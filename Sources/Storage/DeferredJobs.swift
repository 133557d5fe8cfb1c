import SystemCalls

/// Clients' deletions for which there would be room if those who read ended: they wait beside the writer's
/// queue, two seconds at most, and nobody waits for them.
///
/// A client may take one more place while it has fewer than are free: one alone comes to half of them and
/// the next to half of the rest, and nothing that one does leaves nothing to another.
struct DeferredJobs {
  /// A job, and until when it waits, on the monotonic clock.
  private struct Place {
    let job: any WriteJob
    let deadlineNanoseconds: UInt64
  }

  /// Between two tries.
  static let pauseNanoseconds: UInt64 = 5_000_000
  static let mostNanoseconds: UInt64 = 2_000_000_000
  static let mostJobs = 512

  private var waiting: [Place] = []
  /// Those that are being tried again. They keep their places until that has ended, and are held, so that no
  /// other object can have the name of one.
  private var tried: [ObjectIdentifier: Place] = [:]
  /// How many of both are each client's.
  private var places: [UInt32?: Int] = [:]

  var isEmpty: Bool { waiting.isEmpty }

  /// Keeps a job to be tried again; false where it has waited long enough, or too many wait.
  mutating func keep(
    _ job: any WriteJob, nowNanoseconds now: UInt64 = SystemClock.monotonicNanoseconds()
  ) -> Bool {
    if let place = tried.removeValue(forKey: ObjectIdentifier(job)) {
      guard now < place.deadlineNanoseconds else {
        leave(place)
        return false
      }
      waiting.append(place)
      return true
    }
    let own = places[job.admission.client, default: 0]
    guard own < Self.mostJobs - waiting.count - tried.count else { return false }
    places[job.admission.client] = own + 1
    waiting.append(Place(job: job, deadlineNanoseconds: now + Self.mostNanoseconds))
    return true
  }

  /// Gives all of them to be tried again, in the order in which they came, until ``endTry()``.
  mutating func takeAll() -> [any WriteJob] {
    for place in waiting { tried[ObjectIdentifier(place.job)] = place }
    defer { waiting.removeAll(keepingCapacity: true) }
    return waiting.map(\.job)
  }

  /// Those that were tried again and not kept are done, or refused.
  mutating func endTry() {
    for place in tried.values { leave(place) }
    tried.removeAll(keepingCapacity: true)
  }

  private mutating func leave(_ place: Place) {
    let left = places[place.job.admission.client, default: 1] - 1
    places[place.job.admission.client] = left > 0 ? left : nil
  }
}
