import Bytes
import Cards
import Cryptography
import RecordFormat
import Storage

/// Compares the fingerprint index's file with the records, both ways, while others may write to both.
///
/// Up to the token of its mark the file is complete: there every deduplicated card has its entry, and
/// there are no more entries with a record than such cards. What comes later may lie in memory.
struct IndexComparison {
  let file: IndexFile
  private let cipher: CardCipher
  /// Up to where the file is complete; nil where it has no mark.
  private let marked: Token?
  /// Cards up to the mark whose entry leads to them.
  private var matched = 0
  /// Cards after the mark that have no entry yet.
  private(set) var behind = 0
  /// Cards and entries up to the mark that do not belong together.
  private(set) var wrong = 0
  /// Records that do not open and that no entry is left for: the number of such a card would be new.
  private(set) var leftOut = 0
  /// Cards of which another record holds the same number, for the same merchant and customer, the first
  /// ones, and how many there are.
  private(set) var secondTokens: [SecondToken] = []
  private(set) var secondTokenCount = 0
  private var isUnreadable = false
  /// Whether what was compared is as it should be, all of it.
  private var holdsAll = false
  private var isVoid = false
  /// Cards that were not found, and may have been deleted meanwhile.
  private var suspects: [(fingerprint: Digest256, token: Token)] = []

  /// Nil where there is nothing to compare: a copy has no index, and while fingerprints are made anew no
  /// table holds all of them.
  init?(_ store: Store, _ cipher: CardCipher) throws(CardStoreError) {
    guard !cipher.isReplacingFingerprints, store.hasIndex, (try? store.index)?.isCondemned == false
    else { return nil }
    self.cipher = cipher
    file = try IndexFile(store: store, fingerprintKey: cipher.activeFingerprintKey)
    marked = try file.mark()?.token
  }

  /// Goes through the pages of the file.
  ///
  /// - Parameter goesOn: asked after each piece of work; false gives up.
  mutating func readPages(_ goesOn: () -> Bool) throws(CardStoreError) {
    try reading { (comparison) throws(CardStoreError) in
      let isComplete = try comparison.file.forEachPiece { (_) throws(CardStoreError) in goesOn() }
      if isComplete { comparison.file.notePagesRead() }
    }
  }

  /// Looks a card up.
  mutating func look(at token: Token, _ fingerprint: Digest256) throws(CardStoreError) {
    try reading { (comparison) throws(CardStoreError) in
      try comparison.compare(token, fingerprint)
    }
  }

  private mutating func compare(
    _ token: Token, _ fingerprint: Digest256
  ) throws(CardStoreError) {
    let found = try file.token(for: fingerprint)
    if found == token {
      if isMarked(token) { matched += 1 }
    } else if !isMarked(token) {
      behind += 1
    } else {
      suspects.append((fingerprint, token))
    }
  }

  /// Whether the file has to have the entry of a card; where it has no mark, all are in memory yet.
  private func isMarked(_ token: Token) -> Bool { marked.map { token <= $0 } ?? false }

  /// Looks again for those that were not found, where their records are still there: outside of any
  /// transaction.
  mutating func judgeSuspects(in store: Store) throws(CardStoreError) {
    try reading { (comparison) throws(CardStoreError) in
      for (fingerprint, token) in comparison.suspects {
        try comparison.judge(token, fingerprint, in: store)
      }
      comparison.suspects.removeAll()
    }
  }

  private mutating func judge(
    _ token: Token, _ fingerprint: Digest256, in store: Store
  ) throws(CardStoreError) {
    let found = try file.token(for: fingerprint)
    if found == token { return }
    // Of two records with one fingerprint, the newer one is found.
    var newer: Token?
    if let found, found > token, try isRight(fingerprint, of: found, in: store) { newer = found }
    // Looked for last: a token that is gone does not come again, so that both were there at once.
    guard try Self.hasRecord(token, in: store) else { return }
    guard let newer else { return wrong += 1 }
    secondTokenCount += 1
    if secondTokens.count < CardVerifier.mostNamed {
      secondTokens.append(SecondToken(older: token, newer: newer))
    }
  }

  /// Counts the entries that lead to a record.
  ///
  /// - Parameters:
  ///   - damaged: records that do not open, whose entries nobody can tell from others.
  ///   - goesOn: asked after each piece of work; false gives up.
  mutating func countEntries(
    in store: Store, damaged: Int, _ goesOn: () -> Bool
  ) throws(CardStoreError) {
    try reading { (comparison) throws(CardStoreError) in
      var leading = 0
      let isComplete = try comparison.file.forEachPiece { (tokens) throws(CardStoreError) in
        for token in tokens where comparison.isMarked(token) {
          // The walk that has marked it has seen it.
          if try Self.hasRecord(token, in: store, isSeen: true) { leading += 1 }
        }
        return goesOn()
      }
      guard isComplete else { return }
      let others = leading - comparison.matched
      comparison.wrong += max(0, others - damaged)
      comparison.leftOut = max(0, damaged - max(0, others))
      // What is not found is new, unless it is the card of a record that has lost its entry.
      comparison.holdsAll = comparison.wrong == 0 && (damaged == 0 || others >= damaged)
    }
  }

  /// Whether the comparison says something: not where the index was begun anew meanwhile, or its table
  /// emptied, since fingerprints are made under another key. Notes that the index can be relied on where all
  /// is as it should be.
  mutating func conclude(in store: Store) throws(CardStoreError) -> Bool {
    try reading { (comparison) throws(CardStoreError) in
      let now = try comparison.file.mark()?.token
      let isSame = (try? store.index) === comparison.file.index
      comparison.isVoid =
        !isSame || comparison.marked.map { marked in now.map { $0 < marked } ?? true } ?? false
    }
    if !isVoid, !isUnreadable, holdsAll { file.prove() }
    return !isVoid
  }

  /// Does something with the file; where that cannot be read, that is what is wrong, and nothing more is
  /// done.
  private mutating func reading(
    _ body: (inout IndexComparison) throws(CardStoreError) -> Void
  ) throws(CardStoreError) {
    guard !isUnreadable else { return }
    do throws(CardStoreError) { try body(&self) } catch {
      guard error == .indexUnreadable else { throw error }
      isUnreadable = true
      wrong += 1
    }
  }

  /// Whether the record of a token has this fingerprint.
  private func isRight(
    _ fingerprint: Digest256, of token: Token, in store: Store
  ) throws(CardStoreError) -> Bool {
    try store.read { (transaction) throws(CardStoreError) in
      try token.withBytes { (key) throws(CardStoreError) in
        guard let record = try stored(transaction.get(key, in: .cards)?.array) else { return false }
        do throws(CardStoreError) {
          let card = try cipher.open(record.rawSpan, token: token)
          let merchant = try CardStore.header(of: record.rawSpan).merchant
          return try cipher.fingerprint(card.pan, merchant: merchant, customer: card.customer)
            == fingerprint
        } catch {
          guard error == .recordDoesNotOpen else { throw error }
          return false
        }
      }
    }
  }

  /// - Parameter isSeen: whether the record was there in a snapshot before.
  private static func hasRecord(
    _ token: Token, in store: Store, isSeen: Bool = false
  ) throws(CardStoreError) -> Bool {
    func has(_ transaction: borrowing StoreReadTransaction) throws(CardStoreError) -> Bool {
      try token.withBytes { (key) throws(CardStoreError) in
        try stored(transaction.contains(key, in: .cards))
      }
    }
    return isSeen ? try store.readOn(has) : try store.read(has)
  }
}
