package import AuditLog
internal import Bytes
package import Cryptography
import Storage
import Synchronization

extension WriterCore {
  /// Lines that one job looks at, so that those who wait beside it do not wait long.
  private static let linesOfOneJob = 2_048

  /// Removes archived lines that are still there, from the sequence `start` on.
  ///
  /// - Returns: where to go on; nil where none is left.
  func removeArchived(
    from start: UInt64, in transaction: inout StoreWriteTransaction
  ) throws -> UInt64? {
    guard let mark = try ArchiveMark.read(in: transaction), start < mark.below else { return nil }
    var removed: [UInt64] = []
    var next = mark.below
    var visited = 0
    let key = start.bigEndianBytes
    try transaction.forEach(in: .audit, from: key.rawSpan) { key, line in
      guard let sequence = UInt64(bigEndianBytes: key), sequence < mark.below else { return false }
      visited += 1
      guard visited <= Self.linesOfOneJob else {
        next = sequence
        return false
      }
      if let operation = LoggedEntry(line: line)?.entry.operation,
        ArchiveMark.isArchived(operation: operation.utf8)
      {
        removed.append(sequence)
      }
      return true
    }
    for sequence in removed {
      let key = sequence.bigEndianBytes
      try transaction.delete(key.rawSpan, in: .audit)
    }
    return next < mark.below ? next : nil
  }
}

/// What stands in the way of archiving.
package enum ArchiveProblem: Error, Equatable, Sendable {
  /// No checkpoint of that size is kept for good.
  case noCheckpoint
  /// As much or more is archived already.
  case archivedAlready(below: UInt64)
  /// A payment that began before it has no outcome yet.
  case paymentUnderWay(since: UInt64)
  /// The export does not hold what the log does.
  case anotherExport
}

extension Vault {
  /// Removes the lines of clients' operations before the sequence `below` from the store: they are in
  /// an export whose entries have the SHA-256 `export`.
  ///
  /// From the entry about it on they count as archived; they are gone some moments later.
  /// - Throws: ``ArchiveProblem``, `AuditError`, `StorageError`; what
  ///   `progress` throws, which is told how many entries of how many have been read again.
  package func archive(
    below: UInt64, export: Digest256, actor: String,
    progress: (_ done: UInt64, _ total: UInt64) throws -> Void
  ) throws -> ArchiveMark {
    let before = try store.read { try ArchiveMark.read(in: $0) }
    if let before, before.below >= below {
      throw ArchiveProblem.archivedAlready(below: before.below)
    }
    let (at, newest) = try store.read { transaction in
      (
        try KeptCheckpoints.newest(upTo: below, in: transaction),
        try KeptCheckpoints.newest(in: transaction)
      )
    }
    // The newest may have to make room for the next.
    guard at?.size == below, newest?.size != below else { throw ArchiveProblem.noCheckpoint }
    let mark = try ArchiveReading.mark(
      below: below, after: before, export: export, of: store, progress: progress)
    guard mark.export == export else { throw ArchiveProblem.anotherExport }
    try store.perform { [core] transaction in
      // Another may have been faster.
      guard try ArchiveMark.read(in: transaction) == before else {
        throw ArchiveProblem.archivedAlready(below: below)
      }
      let open = try PaymentLedger.open(in: transaction).map(\.intentSequence).min()
      if let open, open < below { throw ArchiveProblem.paymentUnderWay(since: open) }
      try mark.save(in: &transaction)
      try core.record(
        AuditEntry(
          actor: actor, operation: ArchiveMark.operation, outcome: AuditWord.Outcome.done,
          reason: mark.text), in: &transaction)
      try core.signCheckpoint(stays: true, in: &transaction)
    }
    core.archiveIsDue.store(true, ordering: .relaxed)
    return mark
  }
}

/// Reads again what an export holds, for its digest and what is counted of it.
private enum ArchiveReading {
  static func mark(
    below: UInt64, after before: ArchiveMark?, export: Digest256, of store: Store,
    progress: (UInt64, UInt64) throws -> Void
  ) throws -> ArchiveMark {
    var hasher = SHA256Hasher()
    var kept = KeptLines()
    let lines = ExportLines(store)
    var next: UInt64 = 0
    while next < below {
      let page = try lines.page(from: next, below: below)
      hasher.update(page.bytes.rawSpan)
      for leaf in page.keptLeaves { kept.add(leaf) }
      next = page.next
      try progress(next, below)
    }
    let reader = AuditReader(store)
    func count(_ operation: String, _ outcome: String) throws -> UInt64 {
      var filter = AuditFilter()
      filter.operation = operation
      filter.outcome = outcome
      return try reader.count(from: before?.below ?? 0, below: below, filter: filter)
    }
    let created = try count(AuditWord.Operation.tokenize, AuditWord.Outcome.created)
    let deleted = try count(AuditWord.Operation.delete, AuditWord.Outcome.deleted)
    return ArchiveMark(
      below: below, kept: kept, created: (before?.created ?? 0) + created,
      deleted: (before?.deleted ?? 0) + deleted, export: hasher.finish())
  }
}
