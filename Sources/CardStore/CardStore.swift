package import Cards
import Cryptography
package import Keyring
import LMDB
import RecordFormat
package import SecretMemory
package import Storage

/// What became of a card that was to be stored.
package struct StoredToken: Sendable {
  package let token: Token
  package let expiry: Expiry
  package let preferredBrand: Brand?
  /// False: the merchant (and customer) had this card already.
  package let isNew: Bool
}

/// Cards in the store: sealing, opening, deduplication.
///
/// `@unchecked Sendable`: once it is made, every member is used inside transactions of the store's
/// writer and by its calls of `BatchParticipant`, all on the writer's one thread.
package final class CardStore: BatchParticipant, @unchecked Sendable {
  private let store: Store
  private var cipher: CardCipher
  private var index: FingerprintIndex
  private var counts: CardCounts
  private var tokens: TokenSequence
  private var tokensBeforeBatch: TokenSequence
  private var newestToken: Token?
  private var newestTokenBeforeBatch: Token?
  private var record: [UInt8] = []

  /// Takes the cards of `store` up: reads counts and the newest token, and brings the fingerprint
  /// index to where the store is, rebuilding it when it is lost or not of this store.
  ///
  /// - Parameters:
  ///   - slots: where released cards lie.
  ///   - pace: when and how the index is written.
  ///   - progress: told how many records have been opened for the index.
  package init(
    store: Store, keyring: Keyring, slots: SecretPool, pace: IndexPace = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws {
    self.store = store
    cipher = try CardCipher(keyring: keyring, slots: slots)
    counts = CardCounts(try store.read { try CardCounts.read($0) })
    newestToken = try store.read { try NewestToken.read($0) }
    newestTokenBeforeBatch = newestToken
    tokens = TokenSequence(after: newestToken)
    tokensBeforeBatch = tokens
    let file = try IndexFile(
      store: store, fingerprintKey: keyring.activeFingerprintKey.identifier)
    try IndexCatchUp(store: store, file: file, cipher: cipher).run(
      upTo: newestToken, progress: progress)
    index = FingerprintIndex(file: file, upTo: newestToken, pace: pace)
  }

  /// Stores the card, or finds the token that the merchant (within `customer`, where one is given)
  /// has for it. A later expiry and a given preferred brand replace the stored ones.
  ///
  /// - Throws: ``CardStoreError/indexIsBehind``, before anything is changed.
  package func tokenize(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken {
    guard card.isDeduplicated else {
      return try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    }
    guard index.hasRoom else { throw CardStoreError.indexIsBehind }
    let fingerprint = cipher.fingerprint(
      card.pan, merchant: merchant, customer: card.customer)
    if let hint = try index.token(for: fingerprint),
      let known = try update(hint, with: card, merchant: merchant, in: &transaction)
    {
      return known
    }
    let stored = try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    index.insert(fingerprint, stored.token)
    return stored
  }

  /// Which merchant's card the token stands for, or nil where there is none.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  package func merchant(
    of token: Token, in transaction: inout StoreWriteTransaction
  ) throws -> UInt32? {
    try token.withBytes { key in
      guard let record = try transaction.get(key, in: .cards) else { return nil }
      return try Self.header(of: record).merchant
    }
  }

  /// Releases the merchant's card, or gives nil where this merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/noSecretMemory``.
  package func release(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> StoredCard? {
    try token.withBytes { key in
      guard let record = try transaction.get(key, in: .cards),
        try Self.header(of: record).merchant == merchant
      else { return nil }
      return try cipher.release(record, token: token)
    }
  }

  /// Removes the merchant's card, and its fingerprint with the index's next flush; false where this
  /// merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``: whose card it is and under which key would be
  ///   believed without proof.
  package func delete(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> Bool {
    guard let known = try lookUp(token, merchant: merchant, in: &transaction) else { return false }
    if known.card.isDeduplicated {
      let fingerprint = cipher.fingerprint(
        known.card.pan, merchant: merchant, customer: known.card.customer)
      index.remove(fingerprint, of: token)
    }
    try token.withBytes { key in _ = try transaction.delete(key, in: .cards) }
    counts.add(-1, under: known.key)
    return true
  }

  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws {
    try counts.willCommit(&transaction)
    if let newestToken, newestToken != newestTokenBeforeBatch {
      try NewestToken.write(newestToken, in: &transaction)
    }
  }

  package func batchDidCommit() {
    counts.didCommit()
    newestTokenBeforeBatch = newestToken
    tokensBeforeBatch = tokens
    index.batchDidCommit(upTo: newestToken)
  }

  package func batchDidAbort() {
    counts.didAbort()
    newestToken = newestTokenBeforeBatch
    tokens = tokensBeforeBatch
    index.batchDidAbort()
  }

  /// Writes the fingerprint index out. Call it after the store's writer has stopped.
  package func flushIndex() {
    index.flushAll(upTo: newestToken)
  }

  private func insert(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken {
    let token = try tokens.next(
      atMilliseconds: UInt64(clamping: now), random: try cipher.randomNumber())
    try write(card, token: token, merchant: merchant, options: .append, in: &transaction)
    newestToken = token
    counts.add(1, under: cipher.activeKey)
    return StoredToken(
      token: token, expiry: card.expiry, preferredBrand: card.preferredBrand, isNew: true)
  }

  /// Believes the hint only when the record that it names opens to this very card.
  private func update(
    _ hint: Token, with card: borrowing StoredCard, merchant: UInt32,
    in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken? {
    guard var known = try believable(hint, merchant: merchant, in: &transaction),
      known.card.isDeduplicated, known.card.customer == card.customer,
      known.card.pan.isEqual(to: card.pan)
    else { return nil }
    let expiry = max(known.card.expiry, card.expiry)
    let preferredBrand = card.preferredBrand ?? known.card.preferredBrand
    if expiry != known.card.expiry || preferredBrand != known.card.preferredBrand {
      known.card.expiry = expiry
      known.card.preferredBrand = preferredBrand
      try write(known.card, token: hint, merchant: merchant, in: &transaction)
      counts.add(-1, under: known.key)
      counts.add(1, under: cipher.activeKey)
    }
    return StoredToken(
      token: hint, expiry: expiry, preferredBrand: preferredBrand, isNew: false)
  }

  /// A record that has been opened, and the key that it stands under.
  private struct Known: ~Copyable {
    let key: KeyIdentifier
    var card: StoredCard
  }

  /// The card that a hint leads to. A record that does not open cannot be this card's; it is found
  /// and named by `store verify`.
  private func believable(
    _ hint: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> Known? {
    do {
      return try lookUp(hint, merchant: merchant, in: &transaction)
    } catch CardStoreError.recordDoesNotOpen {
      return nil
    }
  }

  /// The merchant's card, to look at; nil where this merchant has no such token.
  private func lookUp(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> Known? {
    try token.withBytes { key in
      guard let record = try transaction.get(key, in: .cards) else { return nil }
      let header = try Self.header(of: record)
      guard header.merchant == merchant else { return nil }
      return Known(key: header.keyIdentifier, card: try cipher.open(record, token: token))
    }
  }

  private static func header(of record: RawSpan) throws(CardStoreError) -> CardRecordHeader {
    do {
      return try CardRecordHeader(of: record)
    } catch {
      throw .recordDoesNotOpen
    }
  }

  private func write(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, options: PutOptions = [],
    in transaction: inout StoreWriteTransaction
  ) throws {
    record.removeAll(keepingCapacity: true)
    try cipher.seal(card, token: token, merchant: merchant, into: &record)
    let sealed = record
    try token.withBytes { key in
      try transaction.put(key: key, value: sealed.rawSpan, in: .cards, options: options)
    }
  }
}
