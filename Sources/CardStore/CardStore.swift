package import Cards
package import Cryptography
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
/// `@unchecked Sendable`: after ``prepare()`` every member is used inside transactions of the store's
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
  /// - Parameter progress: told how many records have been opened for the index.
  package init(
    store: Store, keyring: Keyring, slots: SecretPool, progress: (Int) -> Void = { _ in }
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
    index = FingerprintIndex(file: file)
    try IndexCatchUp(store: store, file: file, cipher: cipher).run(
      upTo: newestToken, progress: progress)
  }

  /// Stores the card, or finds the token that the merchant (within `customer`, where one is given)
  /// has for it. A later expiry and a given preferred brand replace the stored ones.
  package func tokenize(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken {
    guard card.isDeduplicated else {
      return try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    }
    guard index.hasRoom else { throw StorageError.full }
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
  package func merchant(
    of token: Token, in transaction: inout StoreWriteTransaction
  ) throws -> UInt32? {
    try header(of: token, in: &transaction)?.merchant
  }

  /// Opens the merchant's card, or gives nil where this merchant has no such token.
  package func open(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> StoredCard? {
    try token.withBytes { key in
      guard let record = try transaction.get(key, in: .cards),
        try CardRecordHeader(of: record).merchant == merchant
      else { return nil }
      return try cipher.open(record, token: token)
    }
  }

  /// Removes the merchant's card; false where this merchant has no such token.
  package func delete(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> Bool {
    guard let header = try header(of: token, in: &transaction), header.merchant == merchant else {
      return false
    }
    try token.withBytes { key in _ = try transaction.delete(key, in: .cards) }
    counts.add(-1, under: header.keyIdentifier)
    return true
  }

  /// A fingerprint of the number alone, by which a request can be compared with an earlier one.
  package func fingerprint(_ number: borrowing PAN, merchant: UInt32) -> Digest256 {
    cipher.fingerprint(number, merchant: merchant, customer: nil)
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
    guard let header = try? header(of: hint, in: &transaction),
      var known = try believable(hint, merchant: merchant, in: &transaction)
    else { return nil }
    guard known.isDeduplicated, known.customer == card.customer,
      known.pan.isEqual(to: card.pan)
    else { return nil }
    let expiry = max(known.expiry, card.expiry)
    let preferredBrand = card.preferredBrand ?? known.preferredBrand
    if expiry != known.expiry || preferredBrand != known.preferredBrand {
      known.expiry = expiry
      known.preferredBrand = preferredBrand
      try write(known, token: hint, merchant: merchant, in: &transaction)
      counts.add(-1, under: header.keyIdentifier)
      counts.add(1, under: cipher.activeKey)
    }
    return StoredToken(
      token: hint, expiry: expiry, preferredBrand: preferredBrand, isNew: false)
  }

  /// The card that a hint leads to. A record that does not open cannot be this card's; it is found
  /// and named by `store verify`.
  private func believable(
    _ hint: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws -> StoredCard? {
    do {
      return try open(hint, merchant: merchant, in: &transaction)
    } catch is RecordError {
      return nil
    }
  }

  private func header(
    of token: Token, in transaction: inout StoreWriteTransaction
  ) throws -> CardRecordHeader? {
    try token.withBytes { key in
      guard let record = try transaction.get(key, in: .cards) else { return nil }
      return try CardRecordHeader(of: record)
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
