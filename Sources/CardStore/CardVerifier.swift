internal import Bytes
package import Cards
package import Keyring
package import RecordFormat
package import SecretMemory
package import Storage

/// What a look at every record found.
package struct CardVerification: Sendable {
  /// Records in the store.
  package var records = 0
  /// Records that do not open, the first ones by token. One under a key that is no token has none.
  package var damaged: [Token] = []
  /// How many do not open.
  package var damagedCount = 0
  /// Deduplicated cards that are newer than what the index's file is complete for, and not in it yet: the
  /// next start, or the next flush, adds them. Nil where the index was not compared.
  package var missingFromIndex: Int?
  /// Cards that the index does not lead to although its mark says so, and entries that lead to another
  /// card than their own; one where it cannot be read.
  package var wrongInIndex = 0
  /// Whether every record was looked at.
  package var isComplete = true
  /// Records under each data key, as found.
  package var found: [KeyIdentifier: UInt64] = [:]
  /// Records under each data key, as the store counts them.
  package var counted: [KeyIdentifier: UInt64] = [:]

  /// Whether nothing is wrong with the records.
  package var isSound: Bool { damagedCount == 0 && found == counted }

  /// Whether nothing is wrong with the index.
  package var isIndexSound: Bool { wrongInIndex == 0 }
}

/// Opens every record and compares it with the counts and the index.
///
/// It reads in short transactions; with a service that goes on writing, counts are compared only when
/// nothing was written meanwhile, so run it on a store that rests when the counts matter.
package struct CardVerifier {
  /// Damaged tokens that are named.
  package static let mostNamedTokens = 100
  private static let recordsPerRead = 1_000

  private let store: Store
  private let cipher: CardCipher

  /// A verifier with contexts of its own, for the calling thread.
  package init(store: Store, keyring: Keyring, slots: SecretPool) throws(CardStoreError) {
    self.init(store: store, cipher: try CardCipher(keyring: keyring, slots: slots))
  }

  init(store: Store, cipher: CardCipher) {
    self.store = store
    self.cipher = cipher
  }

  /// How many cards stand under each data key, as the store keeps count.
  package static func cardCounts(
    in store: Store
  ) throws(CardStoreError) -> [KeyIdentifier: UInt64] {
    try keyed(store.read { (rows) throws(KeyringError) in try KeyTally.read(.cards, rows) })
  }

  /// Looks at every record, and goes through the pages of the table and of the index.
  ///
  /// - Parameters:
  ///   - comparesIndex: whether the index's file is compared with the records; where there is none, or
  ///     fingerprints are being made anew, it is left out.
  ///   - progress: told how many records have been looked at, after each piece of work; false gives up,
  ///     and what was found so far is returned.
  package func verify(
    comparesIndex: Bool, progress: (Int) -> Bool = { _ in true }
  ) throws(CardStoreError) -> CardVerification {
    var result = CardVerification()
    var comparison = comparesIndex ? try IndexComparison(store, cipher) : nil
    // So that no page of it has to be read again for each card.
    try comparison?.readPages { progress(0) }
    var position: [UInt8]?
    repeat {
      position = try read(after: position, &comparison, into: &result)
      try comparison?.judgeSuspects(in: store)
      guard progress(result.records) else {
        result.isComplete = false
        return result
      }
    } while position != nil
    store.notePagesRead(of: .cards)
    try comparison?.countEntries(in: store, damaged: result.damagedCount) {
      progress(result.records)
    }
    result.missingFromIndex = comparison?.behind
    result.wrongInIndex = comparison?.wrong ?? 0
    result.counted = try Self.cardCounts(in: store).filter { $0.value != 0 }
    return result
  }

  /// Looks at the next records, in one short transaction; returns the key of the last, or nil at the end.
  private func read(
    after position: [UInt8]?, _ comparison: inout IndexComparison?,
    into result: inout CardVerification
  ) throws(CardStoreError) -> [UInt8]? {
    var last: [UInt8]?
    var count = 0
    try store.read { (transaction) throws(CardStoreError) in
      let start = position ?? []
      try transaction.forEach(
        in: .cards, from: position == nil ? nil : start.rawSpan
      ) { (key, record) throws(CardStoreError) in
        let here = key.array
        if here == position { return true }
        try check(key, record, &comparison, into: &result)
        last = here
        count += 1
        return count < Self.recordsPerRead
      }
    }
    return count < Self.recordsPerRead ? nil : last
  }

  private func check(
    _ key: RawSpan, _ record: RawSpan, _ comparison: inout IndexComparison?,
    into result: inout CardVerification
  ) throws(CardStoreError) {
    result.records += 1
    guard let token = Token(bytes: key) else {
      result.damagedCount += 1
      return
    }
    do throws(CardStoreError) {
      let card = try cipher.open(record, token: token)
      let header = try CardStore.header(of: record)
      result.found[header.keyIdentifier, default: 0] += 1
      guard card.isDeduplicated, comparison != nil else { return }
      let fingerprint = try cipher.fingerprint(
        card.pan, merchant: header.merchant, customer: card.customer)
      try comparison?.look(at: token, fingerprint)
    } catch {
      guard error == .recordDoesNotOpen else { throw error }
      result.damagedCount += 1
      if result.damaged.count < Self.mostNamedTokens { result.damaged.append(token) }
    }
  }
}

extension Store {
  /// Notes what a look at every record, with all pages of their table, has found: from now on what is not
  /// found is not there, unless something is wrong.
  package func note(_ found: CardVerification) {
    guard found.isComplete else { return }
    set(.cards, isProven: found.damagedCount == 0)
  }
}
