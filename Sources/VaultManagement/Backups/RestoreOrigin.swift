import AuditLog
import Bytes
import Cryptography
package import Storage
package import VaultCore

/// Where a restored store comes from: what the first entry of its log says of the log before.
///
/// A restored store is another store, with an identifier and a log of its own. The log before ends
/// with the backup and stays in it; this ties the two together.
package struct RestoreOrigin: Equatable, Sendable {
  /// The store that the backup is of.
  package let store: StoreIdentifier
  /// The log in the backup, whole.
  package let log: BackupRecord.Log
  /// Cards in the backup, which the new log tells of by this number alone.
  package let cards: UInt64
  /// The last that was known of the log before the restore, as the operator gives it.
  package let lastKnown: BackupRecord.Log?

  /// Names the store and the log before.
  package init(
    store: StoreIdentifier, log: BackupRecord.Log, cards: UInt64, lastKnown: BackupRecord.Log?
  ) {
    self.store = store
    self.log = log
    self.cards = cards
    self.lastKnown = lastKnown
  }

  /// Entries that were written after the backup and are lost, as far as that is known.
  package var lostEntries: UInt64? {
    lastKnown.map { $0.size > log.size ? $0.size - log.size : 0 }
  }
}

// MARK: - As text

extension RestoreOrigin {
  /// The reason of the entry `store.restore`:
  /// `store=HEX size=N root=HEX cards=N`, and `known=N:HEX` where that is known. At most 253 bytes, so
  /// that an entry holds it whole.
  package var text: String {
    let text =
      "store=\(store.bytes.hexadecimal) size=\(log.size) root=\(log.root.hex) cards=\(cards)"
    guard let lastKnown else { return text }
    return text + " known=\(lastKnown.size):\(lastKnown.root.hex)"
  }

  /// Reads ``text``; nil for anything else.
  package init?(_ text: String) {
    var values: [Substring: Substring] = [:]
    for part in text.split(separator: " ") {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2 else { return nil }
      values[pair[0]] = pair[1]
    }
    func log(_ size: Substring?, _ root: Substring?) -> BackupRecord.Log? {
      guard let size = size.flatMap({ UInt64($0) }), let root = root.flatMap({ Digest256(hex: $0) })
      else { return nil }
      return BackupRecord.Log(size: size, root: root)
    }
    let known = values["known"]?.split(separator: ":") ?? []
    guard let bytes = values["store"].flatMap({ [UInt8](hexadecimal: $0) }),
      let store = StoreIdentifier(bytes), let before = log(values["size"], values["root"]),
      // Within what can be added to: the entry may have been changed.
      let cards = values["cards"].flatMap({ UInt64($0) }), cards <= UInt64(Int64.max)
    else { return nil }
    self.init(
      store: store, log: before, cards: cards, lastKnown: log(known.first, known.last))
    guard self.text == text else { return nil }
  }

  /// Where `store` was restored from, by the first entry of its log; nil where it was not.
  ///
  /// - Throws: `AuditError`, `StorageError`; ``VaultError/malformedRow`` where the entry says that it
  ///   was and cannot be read.
  package static func read(in store: Store) throws(VaultError) -> RestoreOrigin? {
    let first = try store.read { (transaction) throws(VaultError) in
      try transaction.logged(0)
    }
    guard let first, first.operation == .storeRestore else { return nil }
    guard let origin = first.reason.flatMap({ RestoreOrigin($0) }) else { throw .malformedRow }
    return origin
  }
}
