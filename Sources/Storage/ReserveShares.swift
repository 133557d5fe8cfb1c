/// Who may go on taking from the reserve of a full store: each client while what its jobs have taken is no
/// more than three times what is left.
///
/// So one alone comes to three quarters of it and the next to three quarters of the rest, and no number of
/// jobs of one leaves nothing to another. What has been taken is known for all together, as pages, and is
/// put down to each client by its number of jobs.
struct ReserveShares {
  private static let timesWhatIsLeft = 3

  /// The most pages that there were since ordinary jobs have been refused.
  private var most = 0
  private var left = 0
  private var jobs: [UInt32: Int] = [:]
  private var allJobs = 0

  /// Notes how many pages are left for all clients now.
  mutating func note(pagesLeft: Int) {
    left = max(0, pagesLeft)
    most = max(most, left)
  }

  /// Ordinary jobs find room again: nobody's share counts any more.
  mutating func forget() {
    if allJobs > 0 || most > 0 { self = ReserveShares() }
  }

  /// Whether `client` may have one more job done, which is put down to it.
  mutating func take(by client: UInt32) -> Bool {
    let own = jobs[client, default: 0]
    guard left > 0, (most - left) * own <= Self.timesWhatIsLeft * left * max(allJobs, 1) else {
      return false
    }
    jobs[client] = own + 1
    allJobs += 1
    return true
  }
}
