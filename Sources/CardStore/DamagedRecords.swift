internal import Bytes
internal import Keyring
package import RecordFormat
package import Storage

/// Why a record that was named is not removed as a damaged one.
package enum RecordObstacle: Equatable, Sendable {
  /// There is none under this key.
  case absent
  /// It opens: it is a card.
  case opens
  /// The key that it names is not in the keyring, although cards are counted under it: the key is what is
  /// missing, and a keyring that has it opens the record.
  case keyMissing(KeyIdentifier)
}

/// A record that did not open, and is gone.
package struct RemovedRecord: Equatable, Sendable {
  package let key: RecordKey
  /// The data key from whose count it was taken; nil where no count is too high by it.
  package let countedUnder: KeyIdentifier?
}

/// Records that do not open, and that somebody wants to be rid of.
extension CardStore {
  /// What stands in the way of removing a record; nil where it is damaged.
  ///
  /// One under a key that was destroyed is: nobody opens it any more. So is one that names a key which
  /// neither the keyring has nor any card is counted under: the name of the key is what is damaged.
  package func obstacle(
    toRemoving key: RecordKey, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> RecordObstacle? {
    guard let record = try stored(transaction.get(key.bytes.rawSpan, in: .cards)?.array) else {
      return .absent
    }
    if let token = key.token {
      do throws(CardStoreError) {
        _ = try cipher.open(record.rawSpan, token: token)
        return .opens
      } catch {
        guard error == .recordDoesNotOpen else { throw error }
      }
    }
    guard let named = try? CardRecordHeader(of: record.rawSpan).keyIdentifier,
      cipher.keyring.entry(named) == nil, cards(under: named) > 0
    else { return nil }
    return .keyMissing(named)
  }

  /// Removes records that do not open, each with its count. What the index has of them leads nowhere then,
  /// and means nothing.
  ///
  /// - Parameter keys: those of records for which ``obstacle(toRemoving:in:)`` is nil, each once.
  package func removeDamaged(
    _ keys: [RecordKey], in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> [RemovedRecord] {
    var removed: [RemovedRecord] = []
    var names: [KeyIdentifier: UInt64]?
    for key in keys {
      let record = try stored(transaction.get(key.bytes.rawSpan, in: .cards)?.array) ?? []
      let named = try? CardRecordHeader(of: record.rawSpan).keyIdentifier
      var counted = named
      if named.map({ cards(under: $0) == 0 }) ?? true {
        if names == nil { names = try Self.namedKeys(in: transaction) }
        counted = miscountedKey(besides: names ?? [:])
      }
      _ = try stored(transaction.delete(key.bytes.rawSpan, in: .cards))
      if let named { names?[named, default: 1] -= 1 }
      if let counted { countRemoval(from: counted) }
      removed.append(RemovedRecord(key: key, countedUnder: counted))
    }
    return removed
  }

  /// How many records name each data key in their headers. It looks at every record, and the writer waits
  /// for that.
  private static func namedKeys(
    in transaction: borrowing StoreWriteTransaction
  ) throws(CardStoreError) -> [KeyIdentifier: UInt64] {
    var named: [KeyIdentifier: UInt64] = [:]
    try transaction.forEach(in: .cards) { (_, record) throws(CardStoreError) in
      if let key = try? CardRecordHeader(of: record).keyIdentifier { named[key, default: 0] += 1 }
      return true
    }
    return named
  }

  /// The data key under which most cards are counted beyond the records that name it: one of them names
  /// another, since its header is damaged. Nil where no key has such.
  private func miscountedKey(besides named: [KeyIdentifier: UInt64]) -> KeyIdentifier? {
    var most: (key: KeyIdentifier, cards: UInt64)?
    for key in cipher.keyring.entries.map(\.identifier) {
      let (counted, records) = (cards(under: key), named[key] ?? 0)
      if counted > records, counted - records > most?.cards ?? 0 {
        most = (key, counted - records)
      }
    }
    return most?.key
  }
}
