import AuditLog
package import CardStore
import RecordFormat
import Storage
package import VaultCore

/// Records that do not open, and that an operator gives up.
extension VaultManager {
  /// What stands in the way of removing each of these records; nil for one that is damaged.
  package func obstacles(
    toRemoving records: [RecordKey]
  ) throws(VaultError) -> [RecordObstacle?] {
    try store.perform { [books] (transaction) throws(VaultError) in
      try books.obstacles(toRemoving: records, in: &transaction)
    }
  }

  /// Removes records that do not open, all or none of them, with an entry for each. What waited for them
  /// goes on: a replacement of the fingerprint key, and a look at the whole store follows.
  ///
  /// - Parameters:
  ///   - records: each once.
  ///   - actor: who asks, as entries name them.
  /// - Throws: ``VaultError/recordStays(_:_:)``, `StorageError`; nothing has changed then.
  package func removeDamaged(
    _ records: [RecordKey], because reason: KeyReason, actor: String
  ) throws(VaultError) -> [RemovedRecord] {
    let removed = try store.perform {
      [books] (transaction) throws(VaultError) -> [RemovedRecord] in
      let obstacles = try books.obstacles(toRemoving: records, in: &transaction)
      for (record, obstacle) in zip(records, obstacles) {
        if let obstacle { throw .recordStays(record, obstacle) }
      }
      let cards = try books.opened().cards
      let removed = try onCards(cards.removeDamaged(records, in: &transaction))
      for record in removed { try books.record(record, reason, actor, in: &transaction) }
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
    toRemoving records: [RecordKey], in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [RecordObstacle?] {
    let cards = try opened().cards
    var obstacles: [RecordObstacle?] = []
    for record in records {
      obstacles.append(try onCards(cards.obstacle(toRemoving: record, in: &transaction)))
    }
    return obstacles
  }

  fileprivate func record(
    _ removed: RemovedRecord, _ reason: KeyReason, _ actor: String,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    try record(
      AuditEntry(
        actor: actor, operation: .storeRemoveDamaged, token: removed.key.text, outcome: .deleted,
        reason: "counted_under=\(removed.countedUnder?.text ?? "none")" + reason.words),
      in: &transaction)
  }
}
