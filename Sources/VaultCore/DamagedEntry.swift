package import CardStore
package import Ledgers

/// Something damaged in the store that an operator names to give it up.
package enum DamagedEntry: Hashable, Sendable {
  /// A card's record.
  case record(RecordKey)
  /// A kept answer: a row of the idempotency table.
  case row(RowKey)

  /// Reads ``text``; nil for any other.
  package init?(_ text: String) {
    if let row = RowKey(text) {
      self = .row(row)
    } else if let record = RecordKey(text) {
      self = .record(record)
    } else {
      return nil
    }
  }

  /// What `store verify` names it by.
  package var text: String {
    switch self {
    case .record(let key): key.text
    case .row(let key): key.text
    }
  }
}

/// Why something that was named as damaged is not removed.
package enum DamageObstacle: Equatable, Sendable {
  case record(RecordObstacle)
  case row(RowObstacle)
}
