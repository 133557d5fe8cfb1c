package import AuditLog
import Bytes
package import RecordFormat
package import Storage
package import VaultCore

extension RotationCertificate {
  /// Keeps a note in `meta` under `certificate/`, the key's id and the kind; one of the same kind
  /// before it is replaced.
  package static func save(
    _ note: SignedNote, for key: KeyIdentifier, _ kind: Kind,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    try transaction.putRow(Array(note.encoded.utf8), at: row(key, kind))
  }

  /// The note that is kept about a key; nil where there is none.
  ///
  /// - Throws: `StorageError`, `AuditError.malformedNote`.
  package static func note(
    for key: KeyIdentifier, _ kind: Kind, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> SignedNote? {
    try transaction.row(row(key, kind)).map { (note) throws(VaultError) in
      try onLog(SignedNote(parsing: note))
    }
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
    let filter = AuditFilter(.keysRotate, .done)
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
