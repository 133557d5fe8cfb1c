/// When the next batch begins, so that jobs of several clients share the two syncs of a commit.
///
/// A commit costs nearly the same for one job as for twenty: some ten pages, each of which is a write to
/// the disk, and its syncs. Where clients come one by one, each is served at once. Where several are there,
/// the next batch begins no earlier than three times as long after the one before as a commit takes at
/// best: the disk and the processors then have most of the time for something else, and what a batch waits
/// for is itself less often late. As many jobs as have lately come together end the wait: there may be no
/// more clients.
struct BatchPace {
  /// Jobs in a batch that show that several clients write. Fewer are not waited for.
  static let severalJobs = 4
  /// Waiting jobs that are worth a commit, whenever they are there.
  static let mostJobs = 16

  /// Between the beginnings of two batches, in times of the quickest commit.
  private static let intervalInCommits: UInt64 = 3
  /// The longest interval: what a payment does not feel.
  private static let longestNanoseconds: UInt64 = 2_000_000
  /// Commits after which the quickest and the largest before them are forgotten.
  private static let commitsToRemember = 64

  /// What stood out among some commits.
  private struct Extremes {
    var quickest = UInt64.max
    var mostJobs = 0
  }

  /// When the next batch may begin with fewer than ``enoughJobs``, on the monotonic clock; nil for at once.
  private(set) var earliestNanoseconds: UInt64?
  private var recent = Extremes()
  private var before = Extremes()
  private var commits = 0

  /// Jobs that are not to wait for more.
  var enoughJobs: Int { min(max(recent.mostJobs, before.mostJobs), Self.mostJobs) }

  /// Notes a batch, and between which moments it was applied and committed.
  mutating func batchDidCommit(jobs: Int, began: UInt64, ended: UInt64) {
    if commits == Self.commitsToRemember {
      (before, recent, commits) = (recent, Extremes(), 0)
    }
    commits += 1
    recent.quickest = min(recent.quickest, ended - began)
    recent.mostJobs = max(recent.mostJobs, jobs)
    let commit = min(recent.quickest, before.quickest, Self.longestNanoseconds)
    earliestNanoseconds =
      jobs < Self.severalJobs
      ? nil : began + min(Self.intervalInCommits * commit, Self.longestNanoseconds)
  }
}
