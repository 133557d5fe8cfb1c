import LMDB

/// The named databases of `cards.mdb`.
package enum Table: String, CaseIterable, Sendable {
  /// Token (16 bytes, time-ordered) → sealed record.
  case cards
  /// Sequence (8 bytes, big-endian) → entry of the audit log.
  case audit
  /// Sequence (8 bytes, big-endian) → leaf hash of the audit log.
  case leaves
  /// Size (8 bytes, big-endian) → signed checkpoint.
  case checkpoints
  /// The keyring's rows.
  case keyring
  /// Digest of client and idempotency key → answer.
  case idempotency
  /// Expiry and digest → nothing: in which order idempotency rows end.
  case idempotencyExpiry
  /// Single values: the store's identifier and format, and what other parts keep once.
  case meta
}

/// The open databases, by table.
struct Tables: Sendable {
  private let databases: [Database]

  /// Opens every table of `environment`, in the order of their declaration.
  init(of environment: Environment, creating: Bool) throws(LMDBError) {
    var databases: [Database] = []
    for table in Table.allCases {
      databases.append(try environment.openDatabase(table.rawValue, creating: creating))
    }
    self.databases = databases
  }

  subscript(table: Table) -> Database { databases[table.index] }
}

extension Table {
  var index: Int {
    switch self {
    case .cards: 0
    case .audit: 1
    case .leaves: 2
    case .checkpoints: 3
    case .keyring: 4
    case .idempotency: 5
    case .idempotencyExpiry: 6
    case .meta: 7
    }
  }
}
