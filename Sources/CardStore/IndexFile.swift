import Cards
import Cryptography
import LMDB
import RecordFormat
import SecretMemory
import Storage

/// The rows of `index.mdb`: fingerprint(32) → token(16), and the mark.
struct IndexFile: Sendable {
  private let store: Store
  private let fingerprintKey: KeyIdentifier
  private let fingerprints: Database

  init(store: Store, fingerprintKey: KeyIdentifier) throws {
    self.store = store
    self.fingerprintKey = fingerprintKey
    fingerprints = try store.index.table("fingerprints")
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
  func write(_ entries: ArraySlice<Entry>, mark: Token?) throws {
    try store.index.environment.write { transaction in
      for (fingerprint, token) in entries {
        try fingerprint.withBytes { key in
          guard let token else {
            _ = try transaction.delete(key, in: fingerprints)
            return
          }
          try token.withBytes { value in
            try transaction.put(key: key, value: value, in: fingerprints)
          }
        }
      }
      if let mark {
        let row = IndexMark(
          storeIdentifier: store.storeIdentifier, fingerprintKey: fingerprintKey, token: mark
        ).encode()
        let key = IndexMark.key
        try transaction.put(
          key: key.rawSpan, value: row.rawSpan, in: store.index.meta)
      }
    }
  }

  /// The mark, or nil where there is none that is of this store and this key.
  func mark() throws -> IndexMark? {
    try store.index.environment.read { transaction in
      let key = IndexMark.key
      guard let row = try transaction.get(key.rawSpan, in: store.index.meta),
        let mark = IndexMark(row), mark.storeIdentifier == store.storeIdentifier,
        mark.fingerprintKey == fingerprintKey
      else { return nil }
      return mark
    }
  }

  /// Empties the index. It stays the index of this store: the row that says so is not the mark.
  func clear() throws {
    let mark = IndexMark.key
    try store.index.environment.write { transaction in
      try transaction.removeAll(in: fingerprints)
      _ = try transaction.delete(mark.rawSpan, in: store.index.meta)
    }
  }

  /// How many entries the index holds.
  func count() throws -> Int {
    try store.index.environment.read { try $0.count(of: fingerprints) }
  }
}
