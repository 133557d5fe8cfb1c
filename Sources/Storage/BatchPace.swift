/// When the next batch begins, so that jobs of several clients share the two syncs of a commit.
///
/// A commit costs nearly the same for one job as for twenty: some ten pages, each of which is a write to
/// the disk, and its syncs. Where clients come one by one, each is served at once. Where several are there,
/// the next batch begins no earlier than three times as long after the one before as a commit takes at
/// best: the disk and the processors then have most of the time for something else, and what a batch waits
/// for is itself less often late. Enough waiting jobs end the wait.
struct BatchPace {
  /// Jobs in a batch that show that several clients write. Fewer are not waited for.
  static let severalJobs = 4
  /// Waiting jobs that are worth a commit, whenever they are there.
  static let enoughJobs = 16

  /// Between the beginnings of two batches, in times of the quickest commit.
  private static let intervalInCommits: UInt64 = 3
  /// The longest interval: what a payment does not feel.
  private static let longestNanoseconds: UInt64 = 2_000_000
  /// Commits after which an older quickest one is forgotten.
  private static let commitsToRemember = 64

  /// When the next batch may begin with fewer than ``enoughJobs``, on the monotonic clock; nil for at once.
  private(set) var earliestNanoseconds: UInt64?
  private var quickest = UInt64.max
  private var quickestBefore = UInt64.max
  private var commits = 0

  /// Notes a batch, and between which moments it was applied and committed.
  mutating func batchDidCommit(jobs: Int, began: UInt64, ended: UInt64) {
    quickest = min(quickest, ended - began)
    let commit = min(quickest, quickestBefore, Self.longestNanoseconds)
    commits += 1
    if commits == Self.commitsToRemember {
      (quickestBefore, quickest, commits) = (quickest, .max, 0)
    }
    earliestNanoseconds =
      jobs < Self.severalJobs
      ? nil : began + min(Self.intervalInCommits * commit, Self.longestNanoseconds)
  }
}
