import Logging
import Storage
import Synchronization

/// Says in the service's log what happens to the fingerprint index, each thing once.
final class IndexLog: Sendable {
  private let told = Mutex(IndexHistory.Figures())
  /// Records that were said to hold a rotation up.
  private let toldHeldUp = Mutex(0)
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
    if now.leftOut > before.leftOut {
      logger.warning(
        """
        records did not open when the fingerprint index was filled; their cards may get a second token: \
        remove them (cadenas store verify names them, cadenas store remove-damaged), or restore a backup
        """, metadata: ["count": "\(now.leftOut)"])
    }
    if now.failedWrites > before.failedWrites {
      logger.warning(
        "the fingerprint index could not be written",
        metadata: ["count": "\(now.failedWrites)", "reason": "\(now.lastFailure ?? "")"])
    }
  }

  /// The same of a rotation of the fingerprint key that `records` do not let end.
  func tick(heldUpBy records: Int) {
    let before = toldHeldUp.withLock { told in
      defer { told = records }
      return told
    }
    guard records != before else { return }
    guard records > 0 else {
      return logger.info("no record holds the rotation of the fingerprint key up any more")
    }
    logger.warning(
      """
      records do not open, so that the rotation of the fingerprint key does not end, and both keys are \
      asked: remove them (cadenas store verify names them, cadenas store remove-damaged), or restore a \
      backup
      """, metadata: ["count": "\(records)"])
  }
}
