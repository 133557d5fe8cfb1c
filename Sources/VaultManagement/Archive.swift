package import AuditLog
import Bytes
import Cryptography
import Ledgers
import Storage
import Synchronization
package import VaultCore

extension VaultManager {
  /// Removes the lines of clients' operations before a sequence from the store, or asks for the approval
  /// of another person first: they are in an export.
  ///
  /// From the entry about it on they count as archived. What the export holds is compared with the log
  /// when it is asked for, and once more when it is done.
  /// - Parameters:
  ///   - persons: how many different persons it takes, the one who asks among them.
  ///   - progress: told how many entries of how many have been read again; false ends it, and where they
  ///     count as archived already, leaves it to ``VaultManager/tick()`` to remove them.
  /// - Throws: ``VaultError/archive(_:)``, `AuditError`, which is `abandoned` where `progress` has ended
  ///   it, ``VaultError/tooManyApprovals``, `StorageError`.
  package func archive(
    _ order: ArchiveOrder, because reason: KeyReason, actor: AuditActor, persons: Int,
    progress: (_ done: UInt64, _ total: UInt64) -> Bool
  ) throws(VaultError) -> ApprovalAnswer {
    let prepared = try prepare(order, progress: progress)
    let request = try request(.archive(order), because: reason, actor: actor, persons: persons)
    let waiting = try store.perform { [books] (transaction) throws(VaultError) -> Approval? in
      if let waiting = try books.wait(request, in: &transaction) { return waiting }
      try books.archive(
        prepared, approval: nil, because: reason, actor: actor, in: &transaction)
      return nil
    }
    if let waiting { return .waits(waiting) }
    return .archived(
      prepared.mark, isRemoved: removeArchived(below: order.below, progress: progress))
  }

  /// Reads what is to be archived, and compares it with its export.
  func prepare(
    _ order: ArchiveOrder, progress: (_ done: UInt64, _ total: UInt64) -> Bool
  ) throws(VaultError) -> PreparedArchive {
    let before = try onLog(
      store.read { (transaction) throws(AuditError) in try ArchiveMark.read(in: transaction) })
    if let before, before.below >= order.below {
      throw .archive(.archivedAlready(below: before.below))
    }
    let (at, newest) = try onLog(
      store.read { (transaction) throws(AuditError) in
        (
          try KeptCheckpoints.newest(upTo: order.below, in: transaction),
          try KeptCheckpoints.newest(in: transaction)
        )
      })
    // The newest may have to make room for the next.
    guard at?.size == order.below, newest?.size != order.below else {
      throw .archive(.noCheckpoint)
    }
    let mark = try onLog(ArchiveReading.mark(order, after: before, of: store, progress: progress))
    guard mark.export == order.export else { throw .archive(.anotherExport) }
    return PreparedArchive(mark: mark, before: before)
  }

  /// Removes the lines, some at a time; false where not all of them are gone.
  func removeArchived(
    below: UInt64, progress: (_ done: UInt64, _ total: UInt64) -> Bool
  ) -> Bool {
    // What ends this early leaves the rest to the next tick, or to the next start.
    books.archiveIsDue.store(true, ordering: .relaxed)
    var next: UInt64? = 0
    do throws(VaultError) {
      while let start = next {
        guard progress(below, below) else { return false }
        next = try store.perform { [books] (transaction) throws(VaultError) in
          try books.removeArchived(from: start, in: &transaction)
        }
      }
      return true
    } catch { return false }
  }
}

/// What is to be archived, which was read and is as its export has it.
struct PreparedArchive: Sendable {
  let mark: ArchiveMark
  /// The archive when it was read.
  let before: ArchiveMark?
}

extension Books {
  /// Lets lines count as archived. Where there is more to say of it than the mark, an entry says that
  /// before: that of the mark has nothing else.
  func archive(
    _ prepared: PreparedArchive, approval: String?, because reason: KeyReason, actor: AuditActor,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let mark = prepared.mark
    // Another may have been faster.
    guard try onLog(ArchiveMark.read(in: transaction)) == prepared.before else {
      throw .archive(.archivedAlready(below: mark.below))
    }
    let open = try onLedger(PaymentLedger.open(in: transaction)).map(\.intentSequence).min()
    if let open, open < mark.below { throw .archive(.paymentUnderWay(since: open)) }
    if approval != nil || reason != .none {
      try record(
        AuditEntry(
          actor: actor, operation: .auditArchive, outcome: .begun,
          reason: "below=\(mark.below)" + (approval.map { " approval=\($0)" } ?? "")
            + reason.words), in: &transaction)
    }
    try onStore(mark.save(in: &transaction))
    try record(
      AuditEntry(actor: actor, operation: .auditArchive, outcome: .done, reason: mark.text),
      in: &transaction)
    try signCheckpoint(stays: true, in: &transaction)
  }
}

/// Reads again what an export holds, for its digest and what is counted of it.
private enum ArchiveReading {
  static func mark(
    _ order: ArchiveOrder, after before: ArchiveMark?, of store: Store,
    progress: (UInt64, UInt64) -> Bool
  ) throws(AuditError) -> ArchiveMark {
    let below = order.below
    var hasher = SHA256Hasher()
    var kept = KeptLines()
    let lines = ExportLines(store)
    var next: UInt64 = 0
    while next < below {
      let page = try lines.page(from: next, below: below)
      hasher.update(page.bytes.rawSpan)
      for leaf in page.keptLeaves { kept.add(leaf) }
      next = page.next
      guard progress(next, below) else { throw .abandoned }
    }
    let reader = AuditReader(store)
    let first = before?.below ?? 0
    let created = try reader.cards(.created, from: first, below: below)
    let deleted = try reader.cards(.deleted, from: first, below: below)
    return ArchiveMark(
      below: below, kept: kept, created: (before?.created ?? 0) + created,
      deleted: (before?.deleted ?? 0) + deleted, export: hasher.finish())
  }
}
