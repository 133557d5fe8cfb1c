import AccessPolicy
import AuditLog
import Bytes
import Ledgers
package import Storage
import Synchronization

extension Vault {
  /// Writes what is due: refusals that were counted and their alarms, the end of old idempotency keys,
  /// a checkpoint of the log. Call it about once a second.
  package func tick() { maintain(endingRefusalsAt: books.clock.monotonicNanoseconds()) }

  func maintain(endingRefusalsAt now: UInt64, isLast: Bool = false) {
    let isDue = books.archiveIsDue.exchange(false, ordering: .relaxed)
    submit(
      Maintenance(
        refusals: books.unwritten.take() + books.countedRefusals(now: now),
        alarms: books.alarms.takeWaiting(), archiveStart: isDue ? 0 : nil, isLast: isLast))
    // By itself, so that nothing else fails where nobody can sign.
    store.submit { [books] (transaction) throws(VaultError) in
      try books.signCheckpoint(stays: isLast, in: &transaction)
    } reply: { [settings] result in
      // A store that is full or stopped tells that at every request.
      if case .failure(let error) = result, !error.isOfStore { _ = settings.explain(error) }
    }
  }

  /// One job removes a bounded number of rows, so that those who wait beside it do not wait long; what
  /// is left is submitted again.
  private func submit(_ work: Maintenance) {
    store.submit { [books] (transaction) throws(VaultError) in
      try books.maintain(work, in: &transaction)
    } reply: { [weak self, books] result in
      switch result {
      case .success(let rest): if let rest { self?.submit(rest) }
      case .failure: books.putBack(work)
      }
    }
  }
}

/// What is written from time to time, beside requests.
private struct Maintenance: Sendable {
  /// The entries of refusals that were only counted.
  var refusals: [AuditEntry] = []
  /// Alarms of requests that left no entry.
  var alarms: [Alarm] = []
  /// Where to look for lines that are archived; nil where none are expected.
  var archiveStart: UInt64?
  /// Whether the vault is being closed.
  var isLast = false
}

extension Books {
  /// The entries of the refusals that were counted in minutes that have ended.
  fileprivate func countedRefusals(now: UInt64) -> [AuditEntry] {
    func entries(_ operation: AuditOperation, _ ledger: RefusalLedger) -> [AuditEntry] {
      ledger.flush(now: now).map {
        AuditEntry(
          actor: AuditActor($0.client), operation: operation, outcome: .counted,
          reason: String($0.count))
      }
    }
    let rejected = (rejected.flush(now: now) + strangers.flush(now: now)).map {
      AuditEntry(
        actor: .stranger(from: $0.client.isEmpty ? nil : $0.client), operation: .clientRejected,
        outcome: .counted, reason: String($0.count))
    }
    return entries(.refusals, refusals) + entries(.userRefusals, userRefusals) + rejected
  }

  /// Writes counted refusals and alarms that wait, and removes expired idempotency keys and archived
  /// lines.
  ///
  /// - Returns: what is left to do; nil where nothing is.
  fileprivate func maintain(
    _ work: Maintenance, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Maintenance? {
    for refusals in work.refusals { try record(refusals, in: &transaction) }
    try onStore(raise(work.alarms, in: &transaction))
    if work.isLast { watch.rowIsDue() }
    var hasMore = false
    // What is remembered belongs to an open vault.
    if let idempotency = openedOrNil?.idempotency {
      try onLedger(idempotency.lookForOlderKeys(in: &transaction))
      hasMore = try onLedger(idempotency.purge(in: &transaction))
      let mended = idempotency.takeMended()
      if mended > 0 {
        try record(
          AuditEntry(
            actor: .system, operation: .storeVerify, outcome: .changed,
            reason: "rows_mended=\(mended)"), in: &transaction)
      }
    }
    var archiveNext: UInt64?
    if let start = work.archiveStart, !work.isLast {
      archiveNext = try removeArchived(from: start, in: &transaction)
    }
    return hasMore || archiveNext != nil ? Maintenance(archiveStart: archiveNext) : nil
  }

  fileprivate func putBack(_ work: Maintenance) {
    unwritten.add(work.refusals)
    alarms.putBack(work.alarms)
    if work.archiveStart != nil { archiveIsDue.store(true, ordering: .relaxed) }
  }

  /// Lines that one job looks at, so that those who wait beside it do not wait long.
  private static let linesOfOneJob = 2_048

  /// Removes archived lines that are still there, from the sequence `start` on.
  ///
  /// - Returns: where to go on; nil where none is left.
  package func removeArchived(
    from start: UInt64, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> UInt64? {
    guard let mark = try onLog(ArchiveMark.read(in: transaction)), start < mark.below else {
      return nil
    }
    var removed: [UInt64] = []
    var next = mark.below
    var visited = 0
    let key = start.bigEndianBytes
    try transaction.forEach(in: .audit, from: key.rawSpan) { (key, line) throws(VaultError) in
      guard let sequence = UInt64(bigEndianBytes: key), sequence < mark.below else { return false }
      visited += 1
      guard visited <= Self.linesOfOneJob else {
        next = sequence
        return false
      }
      if LoggedEntry(line: line)?.operation?.isArchived == true { removed.append(sequence) }
      return true
    }
    for sequence in removed {
      let key = sequence.bigEndianBytes
      _ = try onStore(transaction.delete(key.rawSpan, in: .audit))
    }
    return next < mark.below ? next : nil
  }
}

extension VaultError {
  fileprivate var isOfStore: Bool { if case .store = self { true } else { false } }
}
