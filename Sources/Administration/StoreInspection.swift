internal import AuditLog
internal import CardStore
internal import Keyring
internal import Ledgers
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
  /// Whether a service has the store open: then its newest cards may be in the index's memory alone, and
  /// an index that was lost at its start has been built anew.
  var isServed = false

  /// Without a service, an index that was lost is as it was opened: empty.
  private var indexLoss: StoreIndex.Loss? { isServed ? nil : store.indexLoss }

  /// Looks, and tells how many records of how many have been looked at.
  ///
  /// A page that is not what its place says ends the look: what lies on it, and what should, is not known.
  func run(_ progress: (_ done: UInt64, _ total: UInt64) -> Void) throws -> StoreCheck {
    do { return try look(progress) } catch {
      guard let damage = Self.damage(in: error) else { throw error }
      return StoreCheck(damage: store.cause(of: damage), indexLoss: indexLoss)
    }
  }

  private func look(_ progress: (_ done: UInt64, _ total: UInt64) -> Void) throws -> StoreCheck {
    let before = try snapshot()
    let records = try keys.map { keys in
      try CardVerifier(store: store, keyring: keys.keyring, slots: keys.slots)
        .verify(comparesIndex: indexLoss == nil) { done in
          progress(UInt64(done), max(before.cards, UInt64(done)))
          return true
        }
    }
    let rows = try keys.map { try IdempotencyVerifier($0.keyring).verify(store) }
    for table in Table.allCases where keys == nil || ![.cards, .idempotency].contains(table) {
      _ = try store.readPages(of: table)
    }
    let after = try snapshot()
    let archive = try toldArchive()
    let first = archive?.below ?? 0
    let reader = AuditReader(store)
    let size = try store.statistics()
    return StoreCheck(
      records: records, rows: rows, inStore: after.cards,
      created: try reader.cards(.created, from: first, below: after.entries)
        + (archive?.created ?? 0),
      deleted: try reader.cards(.deleted, from: first, below: after.entries)
        + (archive?.deleted ?? 0),
      isAtRest: before == after, isServed: isServed, indexLoss: indexLoss,
      fileBytes: size.fileBytes, neededBytes: size.usedBytes,
      isFileComplete: try store.isFileComplete(),
      restored: try RestoreOrigin.read(in: store)?.cards ?? 0)
  }

  /// What an error says of damage to `cards.mdb`; nil for any other.
  private static func damage(in error: any Error) -> StorageError? {
    let found: StorageError? =
      switch error {
      case let error as StorageError: error
      case CardStoreError.store(let error): error
      case LedgerError.store(let error): error
      case AuditError.store(let error): error
      default: nil
      }
    return found.flatMap { $0.tellsOfDamage ? $0 : nil }
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
