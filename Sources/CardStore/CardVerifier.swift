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
  /// Records that do not open, the first ones by the keys under which they stand.
  package var damaged: [RecordKey] = []
  /// How many do not open.
  package var damagedCount = 0
  /// Deduplicated cards that are newer than what the index's file is complete for, and not in it yet: the
  /// next start, or the next flush, adds them. Nil where the index was not compared.
  package var missingFromIndex: Int?
  /// Cards that the index does not lead to although its mark says so, and entries that lead to another
  /// card than their own; one where it cannot be read.
  package var wrongInIndex = 0
  /// Records that do not open and that no entry of the index is left for, at most: the number of such a
  /// card would be new.
  package var leftOutOfIndex = 0
  /// Cards that have two tokens, the first ones; see ``SecondToken``.
  package var secondTokens: [SecondToken] = []
  /// How many there are.
  package var secondTokenCount = 0
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

/// Two tokens of one card, of the same merchant and customer, both of which deduplicate: the record of the
/// older one did not open when the card came again. Nothing is damaged by that.
package struct SecondToken: Equatable, Sendable {
  package let older: Token
  /// The one that the card's number leads to.
  package let newer: Token
}

/// Opens every record and compares it with the counts and the index.
///
/// It reads in short transactions; with a service that goes on writing, counts are compared only when
/// nothing was written meanwhile, so run it on a store that rests when the counts matter.
package struct CardVerifier {
  /// Records, and pairs of tokens, that are named.
  package static let mostNamed = 100

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
    result.isComplete = try store.walk(
      over: .cards,
      goesOn: { () throws(CardStoreError) in
        try comparison?.judgeSuspects(in: store)
        return progress(result.records)
      }
    ) { (key, record, _) throws(CardStoreError) in
      try check(key, record, &comparison, into: &result)
    }
    guard result.isComplete else { return result }
    try comparison?.countEntries(in: store, damaged: result.damagedCount) {
      progress(result.records)
    }
    if try comparison?.conclude(in: store) == false { comparison = nil }
    result.missingFromIndex = comparison?.behind
    result.wrongInIndex = comparison?.wrong ?? 0
    result.leftOutOfIndex = comparison?.leftOut ?? 0
    result.secondTokenCount = comparison?.secondTokenCount ?? 0
    result.secondTokens = comparison?.secondTokens ?? []
    result.counted = try Self.cardCounts(in: store).filter { $0.value != 0 }
    return result
  }

  private func check(
    _ key: RawSpan, _ record: RawSpan, _ comparison: inout IndexComparison?,
    into result: inout CardVerification
  ) throws(CardStoreError) {
    result.records += 1
    guard let token = Token(bytes: key) else {
      return result.addDamaged(RecordKey(key))
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
      result.addDamaged(RecordKey(key))
    }
  }
}

extension CardVerification {
  fileprivate mutating func addDamaged(_ key: RecordKey) {
    damagedCount += 1
    if damaged.count < CardVerifier.mostNamed { damaged.append(key) }
  }
}

extension Store {
  /// Notes what a look at every record, with all pages of their table, has found: from now on what is not
  /// found is not there, unless something is wrong.
  package func note(_ found: CardVerification) {
    guard found.isComplete else { return }
    set(.cards, isProven: found.damagedCount == 0)
    // Nil also where the index was not compared.
    guard found.missingFromIndex != nil, let index = try? index else { return }
    index.correctLeftOut(found.leftOutOfIndex)
  }
}
