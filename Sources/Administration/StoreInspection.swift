internal import AuditLog
internal import CardStore
internal import Keyring
internal import SecretMemory
internal import Storage
internal import VaultManagement

/// A look at every record of a store, or of a copy of one, and at what its audit log tells of them.
struct StoreInspection {
  /// What records are opened with.
  struct Keys {
    let keyring: Keyring
    let slots: SecretPool
  }

  let store: Store
  /// Nil where the keyring is closed: then records are counted, and none is opened.
  let keys: Keys?
  /// Whether `index.mdb` holds every fingerprint; else, and for a copy, the index is left out.
  let isIndexCurrent: Bool

  /// Looks, and tells how many records of how many have been looked at.
  func run(_ progress: (_ done: UInt64, _ total: UInt64) -> Void) throws -> StoreCheck {
    let before = try snapshot()
    let records = try keys.map { keys in
      try CardVerifier(store: store, keyring: keys.keyring, slots: keys.slots)
        .verify(isIndexCurrent: isIndexCurrent) { done in
          progress(UInt64(done), max(before.cards, UInt64(done)))
        }
    }
    let after = try snapshot()
    let archive = try toldArchive()
    let first = archive?.below ?? 0
    let reader = AuditReader(store)
    let size = try store.statistics()
    return StoreCheck(
      records: records, inStore: after.cards,
      created: try reader.cards(.created, from: first, below: after.entries)
        + (archive?.created ?? 0),
      deleted: try reader.cards(.deleted, from: first, below: after.entries)
        + (archive?.deleted ?? 0),
      isAtRest: before == after,
      missingFromIndex: isIndexCurrent ? records?.missingFromIndex : nil,
      fileBytes: size.fileBytes,
      neededBytes: size.usedBytes,
      isFileComplete: try store.isFileComplete(),
      restored: try RestoreOrigin.read(in: store)?.cards ?? 0)
  }

  /// The archive that the log itself tells of: what stands beside it could be anybody's.
  private func toldArchive() throws -> ArchiveMark? {
    guard try store.read({ try ArchiveMark.read(in: $0) }) != nil else { return nil }
    let reader = AuditReader(store)
    let filter = AuditFilter(.auditArchive)
    var next = Optional(try reader.size())
    while let start = next {
      let page = try reader.page(from: start, reversed: true, filter: filter)
      for entry in page.entries {
        if let mark = ArchiveMark(entry) { return mark }
      }
      next = page.next
    }
    return nil
  }

  /// Records and entries at one moment.
  private func snapshot() throws -> (cards: UInt64, entries: UInt64) {
    try store.read { transaction in
      (UInt64(try transaction.count(of: .cards)), try AuditReader.size(in: transaction))
    }
  }
}
