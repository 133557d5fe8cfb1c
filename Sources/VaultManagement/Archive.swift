package import AuditLog
import Bytes
package import Cryptography
import Ledgers
import Storage
import Synchronization
package import VaultCore

extension VaultManager {
  /// Removes the lines of clients' operations before the sequence `below` from the store: they are in
  /// an export whose entries have the SHA-256 `export`.
  ///
  /// From the entry about it on they count as archived.
  /// - Parameter progress: told how many entries of how many have been read again; false ends it, and
  ///   where they count as archived already, leaves it to ``VaultManager/tick()`` to remove them.
  /// - Returns: what is archived, and whether the lines are gone.
  /// - Throws: ``VaultError/archive(_:)``, `AuditError`, which is `abandoned` where `progress` has ended
  ///   it, `StorageError`.
  package func archive(
    below: UInt64, export: Digest256, actor: String,
    progress: (_ done: UInt64, _ total: UInt64) -> Bool
  ) throws(VaultError) -> (mark: ArchiveMark, isRemoved: Bool) {
    let before = try onLog(
      store.read { (transaction) throws(AuditError) in try ArchiveMark.read(in: transaction) })
    if let before, before.below >= below {
      throw .archive(.archivedAlready(below: before.below))
    }
    let (at, newest) = try onLog(
      store.read { (transaction) throws(AuditError) in
        (
          try KeptCheckpoints.newest(upTo: below, in: transaction),
          try KeptCheckpoints.newest(in: transaction)
        )
      })
    // The newest may have to make room for the next.
    guard at?.size == below, newest?.size != below else { throw .archive(.noCheckpoint) }
    let mark = try onLog(
      ArchiveReading.mark(
        below: below, after: before, export: export, of: store, progress: progress))
    guard mark.export == export else { throw .archive(.anotherExport) }
    try store.perform { [books] (transaction) throws(VaultError) in
      // Another may have been faster.
      guard try onLog(ArchiveMark.read(in: transaction)) == before else {
        throw .archive(.archivedAlready(below: below))
      }
      let open = try onLedger(PaymentLedger.open(in: transaction)).map(\.intentSequence).min()
      if let open, open < below { throw .archive(.paymentUnderWay(since: open)) }
      try onStore(mark.save(in: &transaction))
      try books.record(
        AuditEntry(
          actor: actor, operation: .auditArchive, outcome: .done,
          reason: mark.text), in: &transaction)
      try books.signCheckpoint(stays: true, in: &transaction)
    }
    // What ends this early leaves the rest to the next tick, or to the next start.
    books.archiveIsDue.store(true, ordering: .relaxed)
    return (mark, removeArchived(below: below, progress: progress))
  }

  /// Removes the lines, some at a time; false where not all of them are gone.
  private func removeArchived(
    below: UInt64, progress: (_ done: UInt64, _ total: UInt64) -> Bool
  ) -> Bool {
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

/// Reads again what an export holds, for its digest and what is counted of it.
private enum ArchiveReading {
  static func mark(
    below: UInt64, after before: ArchiveMark?, export: Digest256, of store: Store,
    progress: (UInt64, UInt64) -> Bool
  ) throws(AuditError) -> ArchiveMark {
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
