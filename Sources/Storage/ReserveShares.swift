/// Who may go on taking from the reserve of a full store: each client while what its jobs have taken is no
/// more than three times what is left.
///
/// So one alone comes to three quarters of it and the next to three quarters of the rest, and nothing that
/// one does leaves nothing to another. What a batch has taken is seen at the next look, and put down to
/// the clients whose jobs were in it; what comes back, since somebody who read has ended or a page has
/// become empty, is taken off all of them alike.
struct ReserveShares {
  private static let timesWhatIsLeft = 3.0
  /// Pages that a batch takes beside one for each of its jobs, at most.
  private static let pagesOfABatch = 12

  /// Pages that are left for all clients; nil before the first look.
  private var left: Int?
  /// Pages that each client's jobs have taken.
  private var taken: [UInt32: Double] = [:]
  /// Jobs of each client since the last look, and all of them.
  private var batch: [UInt32: Int] = [:]
  private var batchJobs = 0

  /// Notes how many pages are left for all clients now.
  mutating func note(pagesLeft: Int) {
    let pages = max(0, pagesLeft)
    let fewer = Double((left ?? pages) - pages)
    if fewer > 0 {
      for (client, jobs) in batch {
        taken[client, default: 0] += fewer * Double(jobs) / Double(batchJobs)
      }
    } else if fewer < 0 {
      let all = taken.values.reduce(0, +)
      let rest = all > 0 ? max(0, 1 + fewer / all) : 0
      taken = taken.mapValues { $0 * rest }
    }
    left = pages
    batch.removeAll(keepingCapacity: true)
    batchJobs = 0
  }

  /// Ordinary jobs find room again: nobody's share counts any more.
  mutating func forget() {
    if left != nil { self = ReserveShares() }
  }

  /// Whether `client` may have one more job done in the batch that is being made, which is put down to it.
  mutating func take(by client: UInt32) -> Bool {
    let own = batch[client, default: 0] + 1
    // As much as the batch may take, which is several times what it does.
    let left = (left ?? 0) - Self.pagesOfABatch - batchJobs - 1
    guard left > 0,
      taken[client, default: 0] + Double(own) <= Self.timesWhatIsLeft * Double(left)
    else { return false }
    batch[client] = own
    batchJobs += 1
    return true
  }
}
