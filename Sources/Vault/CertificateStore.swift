package import AuditLog
package import RecordFormat
import SecretMemory
package import Storage

extension RotationCertificate {
  /// Keeps a note in `meta` under `certificate/`, the key's id and the kind; one of the same kind
  /// before it is replaced.
  package static func save(
    _ note: SignedNote, for key: KeyIdentifier, _ kind: Kind,
    in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let row = row(key, kind)
    let value = Array(note.encoded.utf8)
    try transaction.put(key: row.rawSpan, value: value.rawSpan, in: .meta)
  }

  /// The note that is kept about a key; nil where there is none.
  ///
  /// - Throws: `StorageError`, `AuditError.malformedNote`.
  package static func note(
    for key: KeyIdentifier, _ kind: Kind, in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> SignedNote? {
    let row = row(key, kind)
    guard let value = try transaction.get(row.rawSpan, in: .meta) else { return nil }
    return try SignedNote(parsing: [UInt8](copying: value))
  }

  /// The sequences of the entries that say that `keys` were replaced, by key.
  ///
  /// Goes through the log from its end until every key is found, and may take long; not for the
  /// writer's thread.
  /// - Throws: `AuditError`.
  package static func replacements(
    of keys: Set<KeyIdentifier>, in store: Store
  ) throws(AuditError) -> [KeyIdentifier: UInt64] {
    var found: [KeyIdentifier: UInt64] = [:]
    let reader = AuditReader(store)
    var filter = AuditFilter()
    filter.operation = AuditWord.Operation.keysRotate
    filter.outcome = AuditWord.Outcome.done
    var next = try reader.size().checkedPredecessor
    while let start = next, found.count < keys.count {
      let page = try reader.page(from: start, reversed: true, filter: filter)
      for logged in page.entries {
        guard let old = logged.reasons["replaces"].flatMap({ KeyIdentifier(String($0)) }),
          keys.contains(old), found[old] == nil
        else { continue }
        found[old] = logged.sequence
      }
      next = page.next
    }
    return found
  }

  /// The sequences of the entries of a key's life, ascending: how it was made, replaced, taken out of
  /// service, and how its destruction was asked for, approved and begun.
  ///
  /// Goes through the whole log, and may take long; not for the writer's thread.
  /// - Throws: `AuditError`.
  package static func life(
    of key: KeyIdentifier, in store: Store
  ) throws(AuditError) -> [UInt64] {
    let reader = AuditReader(store)
    let size = try reader.size()
    var filter = AuditFilter()
    filter.hasKey = true
    var found: [UInt64] = []
    var next: UInt64? = 0
    while let start = next, start < size {
      let page = try reader.page(from: start, below: size, filter: filter)
      found += page.entries.filter { isOfLife($0, of: key) }.map(\.sequence)
      next = page.next
    }
    // Requests can be repeated without end: the latest are those that came to something.
    return found.suffix(mostEntriesOfLife)
  }

  private static let mostEntriesOfLife = 1_000
  private static let operationsOfLife: Set<String> = [
    AuditWord.Operation.keysCreate, AuditWord.Operation.keysRotate,
    AuditWord.Operation.keysDeactivate, AuditWord.Operation.keysCompromise,
    AuditWord.Operation.keysDestroy, AuditWord.Operation.approve, AuditWord.Operation.reject,
  ]

  private static func isOfLife(_ logged: LoggedEntry, of key: KeyIdentifier) -> Bool {
    guard operationsOfLife.contains(logged.entry.operation),
      logged.entry.outcome != AuditWord.Outcome.refused
    else { return false }
    return logged.entry.key == key.text
      || logged.entry.operation == AuditWord.Operation.keysRotate
        && logged.reasons["replaces"].map(String.init) == key.text
  }

  private static func row(_ key: KeyIdentifier, _ kind: Kind) -> [UInt8] {
    Array("certificate/\(key.text)/\(kind.rawValue)".utf8)
  }
}

extension UInt64 {
  /// One less; nil for 0.
  fileprivate var checkedPredecessor: UInt64? { self == 0 ? nil : self - 1 }
}
