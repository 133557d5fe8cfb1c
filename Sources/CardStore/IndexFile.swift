import Bytes
import Cards
import Cryptography
import LMDB
import RecordFormat
import Storage

/// One table of `index.mdb`: fingerprint(32) → token(16), and its mark.
///
/// There are two such tables, so that fingerprints under a new key can be gathered while the older
/// ones still serve. Which key a table belongs to is in its mark.
struct IndexFile: Sendable {
  /// The two tables.
  enum Slot: CaseIterable, Sendable {
    case first, second

    var tableName: String {
      switch self {
      case .first: "fingerprints"
      case .second: "fingerprints2"
      }
    }

    /// The key of the mark's row.
    var markKey: [UInt8] {
      switch self {
      case .first: Array("mark".utf8)
      case .second: Array("mark2".utf8)
      }
    }

    var other: Slot { self == .first ? .second : .first }
  }

  let fingerprintKey: KeyIdentifier
  let slot: Slot
  private let store: Store
  private let databases: [Database]
  private var fingerprints: Database { databases[slot == .first ? 0 : 1] }

  /// The table of `fingerprintKey` in a slot, whatever lies there.
  init(store: Store, fingerprintKey: KeyIdentifier, slot: Slot) throws {
    self.store = store
    self.fingerprintKey = fingerprintKey
    self.slot = slot
    databases = try Slot.allCases.map { try store.index.table($0.tableName) }
  }

  private init(_ file: IndexFile, otherFor fingerprintKey: KeyIdentifier) {
    store = file.store
    databases = file.databases
    slot = file.slot.other
    self.fingerprintKey = fingerprintKey
  }

  /// The other table, as that of `fingerprintKey`.
  func other(for fingerprintKey: KeyIdentifier) -> IndexFile {
    IndexFile(self, otherFor: fingerprintKey)
  }

  /// The table that belongs to `fingerprintKey` by its mark; where there is none, one whose mark
  /// names none of the `others`.
  init(store: Store, fingerprintKey: KeyIdentifier, besides others: [KeyIdentifier] = []) throws {
    let candidates = try Slot.allCases.map {
      try IndexFile(store: store, fingerprintKey: fingerprintKey, slot: $0)
    }
    let owners = try candidates.map { try $0.owner() }
    let own = owners.firstIndex { $0 == fingerprintKey }
    let free = owners.firstIndex { owner in owner.map { !others.contains($0) } ?? true }
    self = candidates[own ?? free ?? 0]
  }

  /// The token that the index names for a fingerprint. It is a hint, not a fact.
  func token(for fingerprint: Digest256) throws -> Token? {
    try store.index.environment.read { transaction in
      try fingerprint.withBytes { key in
        guard let value = try transaction.get(key, in: fingerprints) else { return nil }
        return Token(bytes: value)
      }
    }
  }

  /// An entry, or, without a token, the end of one.
  typealias Entry = (key: Digest256, value: Token?)

  /// Adds entries or removes them and, with the last ones, moves the mark, in one durable transaction.
  ///
  /// - Parameter keepsNewer: leaves an entry that names a newer token than the one to be written.
  func write(
    _ entries: ArraySlice<Entry>, mark: Token?, keepsNewer: Bool = false
  ) throws {
    try store.index.environment.write { transaction in
      for (fingerprint, token) in entries {
        try fingerprint.withBytes { key in
          guard let token else {
            _ = try transaction.delete(key, in: fingerprints)
            return
          }
          if keepsNewer, let found = try transaction.get(key, in: fingerprints),
            let present = Token(bytes: found), present > token
          {
            return
          }
          try token.withBytes { value in
            try transaction.put(key: key, value: value, in: fingerprints)
          }
        }
      }
      if let mark { try put(mark, in: &transaction) }
    }
  }

  /// Moves the mark alone.
  func write(mark: Token) throws {
    try store.index.environment.write { try put(mark, in: &$0) }
  }

  private func put(_ mark: Token, in transaction: inout WriteTransaction) throws {
    let row = IndexMark(
      storeIdentifier: store.storeIdentifier, fingerprintKey: fingerprintKey, token: mark
    ).encode()
    let key = slot.markKey
    try transaction.put(key: key.rawSpan, value: row.rawSpan, in: store.index.meta)
  }

  /// The mark, or nil where there is none that is of this store and this key.
  func mark() throws -> IndexMark? {
    guard let mark = try anyMark(), mark.fingerprintKey == fingerprintKey else { return nil }
    return mark
  }

  /// The key whose fingerprints the table holds, by its mark.
  private func owner() throws -> KeyIdentifier? { try anyMark()?.fingerprintKey }

  private func anyMark() throws -> IndexMark? {
    try store.index.environment.read { transaction in
      let key = slot.markKey
      guard let row = try transaction.get(key.rawSpan, in: store.index.meta),
        let mark = IndexMark(row), mark.storeIdentifier == store.storeIdentifier
      else { return nil }
      return mark
    }
  }

  /// Empties the table. The index stays that of this store: the row that says so is not the mark.
  func clear() throws {
    let mark = slot.markKey
    try store.index.environment.write { transaction in
      try transaction.removeAll(in: fingerprints)
      _ = try transaction.delete(mark.rawSpan, in: store.index.meta)
    }
  }

  /// How many entries the table holds.
  func count() throws -> Int {
    try store.index.environment.read { try $0.count(of: fingerprints) }
  }
}
