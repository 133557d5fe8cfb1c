package import AuditLog
internal import Bytes
package import RecordFormat
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
    return try SignedNote(parsing: value.array)
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

  private static func row(_ key: KeyIdentifier, _ kind: Kind) -> [UInt8] {
    Array("certificate/\(key.text)/\(kind.rawValue)".utf8)
  }
}

extension UInt64 {
  /// One less; nil for 0.
  fileprivate var checkedPredecessor: UInt64? { self == 0 ? nil : self - 1 }
}
