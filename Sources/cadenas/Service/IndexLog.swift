import Logging
import Storage
import Synchronization

/// Says in the service's log what happens to the fingerprint index, each thing once.
final class IndexLog: Sendable {
  private let told = Mutex(IndexHistory.Figures())
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  /// Compares `now` with what has been said. Call it about once a second.
  func tick(_ now: IndexHistory.Figures) {
    let before = told.withLock { told in
      defer { told = now }
      return told
    }
    if now.losses > before.losses {
      logger.warning(
        "the fingerprint index is built anew, and new cards wait for it",
        metadata: ["reason": "\(now.lastLoss ?? "")"])
    }
    if now.failedWrites > before.failedWrites {
      logger.warning(
        "the fingerprint index could not be written",
        metadata: ["count": "\(now.failedWrites)", "reason": "\(now.lastFailure ?? "")"])
    }
  }
}
