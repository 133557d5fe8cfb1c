import Bytes
import Cards
import Cryptography
import RecordFormat
import Storage

/// One table of `index.mdb`: fingerprint(32) → token(16), and its mark.
///
/// There are two such tables, so that fingerprints under a new key can be gathered while the older
/// ones still serve. Which key a table belongs to is in its mark.
struct IndexFile: Sendable {
  private(set) var fingerprintKey: KeyIdentifier
  let index: StoreIndex
  private var slot: StoreIndex.Slot
  private let storeIdentifier: StoreIdentifier

  /// The table that belongs to `fingerprintKey` by its mark; where there is none, one whose mark
  /// names none of the `others`.
  init(
    store: Store, fingerprintKey: KeyIdentifier, besides others: [KeyIdentifier] = []
  ) throws(CardStoreError) {
    self.fingerprintKey = fingerprintKey
    do throws(StorageError) { index = try store.index } catch { throw IndexFile.failed(error) }
    storeIdentifier = store.storeIdentifier
    var free: StoreIndex.Slot?
    for slot in StoreIndex.Slot.allCases {
      let owner = try Self.mark(of: slot, index, storeIdentifier)?.fingerprintKey
      if owner == fingerprintKey {
        self.slot = slot
        return
      }
      if owner.map({ !others.contains($0) }) ?? true { free = free ?? slot }
    }
    slot = free ?? .first
  }

  /// The other table, as that of `fingerprintKey`.
  func other(for fingerprintKey: KeyIdentifier) -> IndexFile {
    var other = self
    (other.fingerprintKey, other.slot) = (fingerprintKey, slot.other)
    return other
  }

  /// The token that the index names for a fingerprint. It is a hint, not a fact.
  func token(for fingerprint: Digest256) throws(CardStoreError) -> Token? {
    do throws(StorageError) {
      return try fingerprint.withBytes { (key) throws(StorageError) in
        let found = try index.token(for: key, in: slot) { Optional.some(Token(bytes: $0)) }
        guard let found else { return nil }
        guard let token = found else { throw .damaged(file: "index.mdb") }
        return token
      }
    } catch { throw index.failed(error) }
  }

  /// The entries beside the place of a fingerprint that has none. One whose token is none is left out.
  func neighbours(
    of fingerprint: Digest256
  ) throws(CardStoreError) -> [(fingerprint: Digest256, token: Token)] {
    var entries: [(fingerprint: Digest256, token: Token)] = []
    do throws(StorageError) {
      try fingerprint.withBytes { (key) throws(StorageError) in
        try index.read { (snapshot) throws(StorageError) in
          try snapshot.forNeighbours(of: key, in: slot) { (key, value) throws(StorageError) in
            guard let fingerprint = Digest256(key), let token = Token(bytes: value) else {
              throw .damaged(file: "index.mdb")
            }
            entries.append((fingerprint, token))
          }
        }
      }
    } catch { throw index.failed(error) }
    return entries
  }

  /// Calls `body` with the tokens of all entries of the table, in pieces, outside of any transaction, until
  /// it returns false; whether it did not.
  func forEachPiece(
    _ body: ([Token]) throws(CardStoreError) -> Bool
  ) throws(CardStoreError) -> Bool {
    var walk = PieceWalk()
    while !walk.isAtEnd {
      var tokens: [Token] = []
      do throws(StorageError) {
        try index.readPiece(of: slot, &walk) { (key, value) throws(StorageError) in
          guard key.byteCount == 32, let token = Token(bytes: value) else {
            throw .damaged(file: "index.mdb")
          }
          tokens.append(token)
          return true
        }
      } catch { throw index.failed(error) }
      guard try body(tokens) else { return false }
    }
    return true
  }

  /// An entry, or, without a token, the end of one.
  typealias Entry = (key: Digest256, value: Token?)

  /// Adds entries or removes them and, with the last ones, moves the mark, in one durable transaction.
  ///
  /// - Parameter keepsNewer: leaves an entry that names the token to be written, or a newer one.
  func write(
    _ entries: ArraySlice<Entry>, mark: Token?, keepsNewer: Bool = false
  ) throws(CardStoreError) {
    try write { (change) throws(StorageError) in
      for (fingerprint, token) in entries {
        try fingerprint.withBytes { (key) throws(StorageError) in
          guard let token else { return try change.set(key, to: nil) }
          if keepsNewer, let present = try change.token(for: key, { Token(bytes: $0) }),
            present >= token
          {
            return
          }
          try token.withBytes { (value) throws(StorageError) in try change.set(key, to: value) }
        }
      }
      guard let mark else { return }
      let row = IndexMark(
        storeIdentifier: storeIdentifier, fingerprintKey: fingerprintKey, token: mark
      ).encode()
      try change.setMark(row.rawSpan)
    }
  }

  /// Empties the table. The index stays that of this store: the row that says so is not the mark.
  func clear() throws(CardStoreError) {
    try write { (change) throws(StorageError) in try change.clear() }
  }

  private func write(
    _ body: (inout IndexChange) throws(StorageError) -> Void
  ) throws(CardStoreError) {
    do throws(StorageError) { try index.write(to: slot, body) } catch { throw index.failed(error) }
  }

  /// The mark, or nil where there is none that is of this store and this key.
  func mark() throws(CardStoreError) -> IndexMark? {
    let mark = try Self.mark(of: slot, index, storeIdentifier)
    return mark?.fingerprintKey == fingerprintKey ? mark : nil
  }

  /// Notes that every entry of it was read.
  func notePagesRead() { index.notePagesRead(of: slot) }

  /// Notes that it was compared with the records, and holds what they say.
  func prove() { index.prove(slot) }

  private static func mark(
    of slot: StoreIndex.Slot, _ index: StoreIndex, _ storeIdentifier: StoreIdentifier
  ) throws(CardStoreError) -> IndexMark? {
    do throws(StorageError) {
      let mark = try index.mark(of: slot) { IndexMark($0) }
      return mark?.storeIdentifier == storeIdentifier ? mark : nil
    } catch { throw index.failed(error) }
  }

  /// How many entries the table holds.
  func count() throws(CardStoreError) -> Int {
    do throws(StorageError) { return try index.count(of: slot) } catch {
      throw index.failed(error)
    }
  }
}

extension StoreIndex {
  /// The error of who met `error` here. From damage on nobody asks it, and it is built anew; to want
  /// of room or of memory, another index would be no answer.
  func failed(_ error: StorageError) -> CardStoreError {
    switch error {
    case .engine(let failure) where !failure.tellsOfDamage: return .store(error)
    // After an error of the disk the engine lets nobody use the file before it is opened anew.
    case .engine, .damaged, .truncated, .writingEnded:
      condemn("\(error)")
      return .indexUnreadable
    default: return IndexFile.failed(error)
    }
  }
}

extension IndexFile {
  /// The error of who met `error`, which says nothing of the file's contents.
  fileprivate static func failed(_ error: StorageError) -> CardStoreError {
    error.isOfRoom ? .indexIsBehind : .store(error)
  }
}
