package import AuditLog
import CardStore
import Ledgers
package import RecordFormat
import Storage
package import VaultCore

/// What did not open, and is gone.
package struct RemovedEntry: Equatable, Sendable {
  package let entry: DamagedEntry
  /// The data key from whose count a card was taken; nil where no count is too high by it, and for a row.
  package let countedUnder: KeyIdentifier?
}

/// Records and kept answers that do not open, and that an operator gives up.
extension VaultManager {
  /// What stands in the way of removing each of these; nil for one that is damaged.
  package func obstacles(
    toRemoving entries: [DamagedEntry]
  ) throws(VaultError) -> [DamageObstacle?] {
    try store.perform { [books] (transaction) throws(VaultError) in
      try books.obstacles(toRemoving: entries, in: &transaction)
    }
  }

  /// Removes records and kept answers that do not open, all or none of them, with an entry for each. What
  /// waited for them goes on: a replacement of the fingerprint key, and a look at the whole store follows.
  ///
  /// - Parameters:
  ///   - entries: each once.
  ///   - actor: who asks, as entries name them.
  /// - Throws: ``VaultError/entryStays(_:_:)``, `StorageError`; nothing has changed then.
  package func removeDamaged(
    _ entries: [DamagedEntry], because reason: KeyReason, actor: AuditActor
  ) throws(VaultError) -> [RemovedEntry] {
    let removed = try store.perform {
      [books] (transaction) throws(VaultError) -> [RemovedEntry] in
      let obstacles = try books.obstacles(toRemoving: entries, in: &transaction)
      for (entry, obstacle) in zip(entries, obstacles) {
        if let obstacle { throw .entryStays(entry, obstacle) }
      }
      let removed = try books.remove(entries, in: &transaction)
      for entry in removed { try books.record(entry, reason, actor, in: &transaction) }
      return removed
    }
    fingerprints.lookAgain()
    scrub.lookAgain()
    try vault.opened().work.wake()
    return removed
  }
}

extension Books {
  fileprivate func obstacles(
    toRemoving entries: [DamagedEntry], in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [DamageObstacle?] {
    let session = try opened()
    var obstacles: [DamageObstacle?] = []
    for entry in entries {
      switch entry {
      case .record(let key):
        let obstacle = try onCards(session.cards.obstacle(toRemoving: key, in: &transaction))
        obstacles.append(obstacle.map { .record($0) })
      case .row(let key):
        let obstacle = try onLedger(
          session.idempotency.obstacle(toRemoving: key, in: &transaction))
        obstacles.append(obstacle.map { .row($0) })
      }
    }
    return obstacles
  }

  /// - Parameter entries: those for which there is no obstacle.
  fileprivate func remove(
    _ entries: [DamagedEntry], in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [RemovedEntry] {
    let session = try opened()
    var records: [RecordKey] = []
    for entry in entries {
      switch entry {
      case .record(let key): records.append(key)
      case .row(let key):
        try onLedger(session.idempotency.removeDamaged(key, in: &transaction))
      }
    }
    // All at once: where headers are damaged, every record is looked at.
    let removed = try onCards(session.cards.removeDamaged(records, in: &transaction))
    let keys = Dictionary(uniqueKeysWithValues: removed.map { ($0.key, $0.countedUnder) })
    return entries.map { entry in
      guard case .record(let key) = entry else {
        return RemovedEntry(entry: entry, countedUnder: nil)
      }
      return RemovedEntry(entry: entry, countedUnder: keys[key] ?? nil)
    }
  }

  /// A card that goes is counted; a row is none.
  fileprivate func record(
    _ removed: RemovedEntry, _ reason: KeyReason, _ actor: AuditActor,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let outcome: AuditOutcome =
      switch removed.entry {
      case .record: .deleted
      case .row: .done
      }
    try record(
      AuditEntry(
        actor: actor, operation: .storeRemoveDamaged, token: removed.entry.text, outcome: outcome,
        reason: "counted_under=\(removed.countedUnder?.text ?? "none")" + reason.words),
      in: &transaction)
  }
}
