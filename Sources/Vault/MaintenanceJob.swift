import AccessPolicy
import AuditLog
import Storage
import Synchronization

/// What is written from time to time, beside requests.
struct Maintenance {
  /// Refusals that were only counted.
  var refusals: [RefusalLedger.Counted] = []
  /// Alarms of requests that left no entry.
  var alarms: [Alarm] = []
  /// Where to look for lines that are archived; nil where none are expected.
  var archiveStart: UInt64?
  /// Whether the vault is being closed.
  var isLast = false
}

/// Writes counted refusals and alarms that wait, and removes expired idempotency keys and archived
/// lines.
///
/// `@unchecked Sendable`: handed to the store once; from then on only the writer thread touches it.
final class MaintenanceJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved
  private let work: Maintenance
  private let core: WriterCore
  private let again: @Sendable (Maintenance) -> Void
  private var hasMore = false
  private var archiveNext: UInt64?

  /// - Parameter again: called with what is left: one job removes a bounded number of rows, so that
  ///   those who wait beside it do not wait long.
  init(
    _ work: Maintenance, core: WriterCore, again: @escaping @Sendable (Maintenance) -> Void
  ) {
    self.work = work
    self.core = core
    self.again = again
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    for refusals in work.refusals {
      try core.record(
        AuditEntry(
          actor: refusals.client, operation: .refusals,
          outcome: .counted, reason: String(refusals.count)),
        in: &transaction)
    }
    try core.raise(work.alarms, in: &transaction)
    if work.isLast { core.watch.rowIsDue() }
    // What is remembered belongs to an open vault.
    try core.opened?.idempotency.lookForOlderKeys(in: &transaction)
    hasMore = try core.opened?.idempotency.purge(in: &transaction) ?? false
    if let start = work.archiveStart, !work.isLast {
      archiveNext = try core.removeArchived(from: start, in: &transaction)
    }
  }

  func complete(_ result: Result<Void, any Error>) {
    switch result {
    case .success where hasMore || archiveNext != nil: again(Maintenance(archiveStart: archiveNext))
    case .success: break
    case .failure:
      core.unwritten.add(work.refusals)
      core.alarms.putBack(work.alarms)
      if work.archiveStart != nil { core.archiveIsDue.store(true, ordering: .relaxed) }
    }
  }
}

/// Signs a checkpoint. A job of its own, so that nothing else fails where nobody can sign.
///
/// `@unchecked Sendable`: as ``MaintenanceJob``.
final class CheckpointJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved
  private let stays: Bool
  private let core: WriterCore
  private let explain: @Sendable (any Error) -> String

  /// - Parameter explain: told why none was signed.
  init(stays: Bool, core: WriterCore, explain: @escaping @Sendable (any Error) -> String) {
    self.stays = stays
    self.core = core
    self.explain = explain
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws {
    try core.signCheckpoint(stays: stays, in: &transaction)
  }

  func complete(_ result: Result<Void, any Error>) {
    // A store that is full or stopped tells that at every request.
    if case .failure(let error) = result, !(error is StorageError) { _ = explain(error) }
  }
}
