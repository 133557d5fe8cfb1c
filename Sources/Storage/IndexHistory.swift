import Synchronization

/// What has happened to a store's index since the store was opened.
package final class IndexHistory: Sendable {
  /// Counts, and the last cause of each.
  package struct Figures: Equatable, Sendable {
    /// How often it could not be used any more, and was begun anew.
    package var losses = 0
    package var lastLoss: String?
    /// Transactions that could not be written. What they held waits in memory, or the next start finds it
    /// in the records.
    package var failedWrites = 0
    package var lastFailure: String?
    /// Records that do not open and have no entry, as far as is known: the numbers of their cards would be
    /// new.
    package var leftOut = 0

    /// Nothing has happened.
    package init() {}
  }

  private let state = Mutex(Figures())

  package var figures: Figures { state.withLock { $0 } }

  func noteLoss(_ reason: String) {
    state.withLock {
      $0.losses += 1
      $0.lastLoss = reason
    }
  }

  /// Notes how many records do not open and have no entry.
  func noteLeftOut(_ count: Int) { state.withLock { $0.leftOut = count } }

  func noteFailedWrite(_ reason: String) {
    state.withLock {
      $0.failedWrites += 1
      $0.lastFailure = reason
    }
  }
}
