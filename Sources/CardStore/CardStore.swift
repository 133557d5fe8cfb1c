internal import Bytes
package import Cards
import Cryptography
package import Keyring
package import RecordFormat
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
/// While fingerprints are made anew under another key, both tables are asked, the new one first; new
/// cards go to the new one, and ``FingerprintScan`` adds the older ones to it.
///
/// `@unchecked Sendable`: once it is made, every member is used inside transactions of the store's
/// writer and around its batches, all on the writer's one thread.
package final class CardStore: @unchecked Sendable {
  let store: Store
  let cipher: CardCipher
  private let keys: LiveKeyring
  private let confinement = ThreadConfinement()
  private let index: IndexKeeper
  private var counts: KeyTally
  private var tokens: IdentifierSequence
  private var tokensBeforeBatch: IdentifierSequence
  private var newestToken: Token?
  private var newestTokenBeforeBatch: Token?
  private var record: [UInt8] = []
  /// What every record of a small store came to. Nil for a large one, which is read later.
  package private(set) var foundAtStart: CardVerification?

  /// Takes the cards of `store` up: reads counts and the newest token, and brings the fingerprint
  /// index to where the store is, rebuilding it when it is lost or not of this store. Where there is no
  /// room for that, it goes on beside the service when there is: see ``indexFigures``.
  ///
  /// - Parameters:
  ///   - slots: where released cards lie.
  ///   - pace: when and how the index is written.
  ///   - progress: told how many records have been opened for the index.
  package init(
    store: Store, keys: LiveKeyring, slots: SecretPool, pace: IndexPace = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws(CardStoreError) {
    self.store = store
    self.keys = keys
    let cipher = try CardCipher(keyring: keys.current, slots: slots)
    self.cipher = cipher
    counts = try keyed(KeyTally(.cards, in: store))
    let newest = try NewestToken.read(in: store)
    newestToken = newest
    newestTokenBeforeBatch = newest
    tokens = IdentifierSequence(after: newest?.uuid)
    tokensBeforeBatch = tokens
    index = try IndexKeeper(
      store: store, cipher: cipher, slots: slots, upTo: newest, pace: pace, progress: progress)
    indexFigures = index.figures
    try checkSmallStore(upTo: newest)
  }

  /// Opens every record of a small store and compares the index with them, so that what is not found is
  /// not there. An index that does not hold what they say is begun anew.
  private func checkSmallStore(upTo newest: Token?) throws(CardStoreError) {
    guard store.isSmall else { return }
    let verifier = CardVerifier(store: store, cipher: cipher)
    let found = try verifier.verify(comparesIndex: index.current != nil)
    if !found.isIndexSound {
      try index.beginAnew(cipher, upTo: newest, because: "its entries are not those of the records")
    }
    store.note(found)
    foundAtStart = found
  }

  deinit { index.abandon() }

  /// How the fingerprint index is.
  package let indexFigures: IndexFigures

  /// Stores the card, or finds the token that the merchant (within `customer`, where one is given)
  /// has for it. A later expiry and a given preferred brand replace the stored ones.
  ///
  /// - Throws: ``CardStoreError/indexIsBehind``, ``CardStoreError/indexUnreadable``,
  ///   ``CardStoreError/indexUnproven``; ``CardStoreError/recordDoesNotOpen`` where the record of what may
  ///   be this very card does not: a second token would be given otherwise.
  package func tokenize(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken {
    confinement.preconditionInThread()
    guard card.isDeduplicated else {
      return try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    }
    try index.requireUse()
    let fingerprint = try cipher.fingerprint(
      card.pan, merchant: merchant, customer: card.customer)
    keys.countUse(of: cipher.activeFingerprintKey)
    if let current = index.current,
      let known = try find(card, merchant: merchant, under: fingerprint, in: current, &transaction)
    {
      return known
    }
    if let replaced = index.replaced {
      let older = try cipher.fingerprint(
        card.pan, merchant: merchant, customer: card.customer, under: replaced.key)
      if let known = try find(card, merchant: merchant, under: older, in: replaced, &transaction) {
        return known
      }
    }
    let stored = try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    index.insert(fingerprint, stored.token)
    return stored
  }

  /// Gives the merchant's card a later expiry and another preferred brand, where they are given; nil
  /// where this merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  package func renew(
    _ token: Token, merchant: UInt32, expiry: Expiry?, preferredBrand: Brand?,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken? {
    guard var known = try knownCard(token, of: merchant, in: &transaction) else { return nil }
    return try renew(
      &known, of: token, expiry: expiry, preferredBrand: preferredBrand, in: &transaction)
  }

  /// Which merchant's card the token stands for, or nil where there is none.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``.
  package func merchant(
    of token: Token, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> UInt32? {
    confinement.preconditionInThread()
    let isProven = transaction.isProven(.cards)
    return try token.withBytes { (key) throws(CardStoreError) in
      guard let record = try record(key, in: &transaction) else { return nil }
      return try provenHeader(of: record, token, isProven: isProven).merchant
    }
  }

  /// Releases the merchant's card, or gives nil where this merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/noSecretMemory``.
  package func release(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredCard? {
    confinement.preconditionInThread()
    return try withRecord(of: token, of: merchant, in: &transaction) {
      (record, _) throws(CardStoreError) -> StoredCard in
      try cipher.release(record, token: token)
    }
  }

  /// Removes the merchant's card, and its fingerprint with the index's next flush; false where this
  /// merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``: whose card it is and under which key would be
  ///   believed without proof.
  package func delete(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> Bool {
    guard let known = try knownCard(token, of: merchant, in: &transaction) else { return false }
    var fingerprint: Digest256?
    var older: Digest256?
    if known.card.isDeduplicated {
      fingerprint = try cipher.fingerprint(
        known.card.pan, merchant: merchant, customer: known.card.customer)
      if let key = index.replaced?.key {
        older = try cipher.fingerprint(
          known.card.pan, merchant: merchant, customer: known.card.customer, under: key)
      }
    }
    try token.withBytes { (key) throws(CardStoreError) in
      _ = try stored(transaction.delete(key, in: .cards))
    }
    if let fingerprint { index.remove(fingerprint, older: older, of: token) }
    countRemoval(from: known.key)
    return true
  }

  /// Writes what the batch has changed beside the records.
  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    confinement.preconditionInThread()
    try counts.willCommit(&transaction)
    if let newestToken, newestToken != newestTokenBeforeBatch {
      try NewestToken.write(newestToken, in: &transaction)
    }
  }

  /// The batch is durable.
  package func batchDidCommit() {
    confinement.preconditionInThread()
    counts.didCommit()
    newestTokenBeforeBatch = newestToken
    tokensBeforeBatch = tokens
    index.batchDidCommit(upTo: newestToken, cipher.keyring)
  }

  /// Nothing of the batch is in the store.
  package func batchDidAbort() {
    confinement.preconditionInThread()
    counts.didAbort()
    newestToken = newestTokenBeforeBatch
    tokens = tokensBeforeBatch
    index.batchDidAbort(upTo: newestToken, cipher.keyring)
  }

  /// Writes the fingerprint index out. Call it after the store's writer has stopped.
  package func flushIndex() {
    index.close(upTo: newestToken)
  }

  /// Goes on with the keyring that the batch which has just been committed put in force.
  package func adopt(_ keyring: Keyring) {
    confinement.preconditionInThread()
    cipher.adopt(keyring)
    index.adopt(cipher, upTo: newestToken)
  }

  private func insert(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken {
    let random = try cipher.randomNumber()
    let spread = try cipher.randomNumber()
    let token: Token
    do throws(CardError) {
      token = Token(
        try tokens.next(atMilliseconds: UInt64(clamping: now), random: random, spread: spread))
    } catch { throw .tokensExhausted }
    try write(card, token: token, merchant: merchant, isNew: true, in: &transaction)
    newestToken = token
    counts.add(1, under: cipher.activeKey)
    return StoredToken(
      token: token, expiry: card.expiry, preferredBrand: card.preferredBrand, isNew: true)
  }

  /// Puts a later expiry and a given preferred brand in the place of the stored ones.
  func renew(
    _ known: inout Known, of token: Token, expiry: Expiry?, preferredBrand: Brand?,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken {
    let expiry = expiry.map { max(known.card.expiry, $0) } ?? known.card.expiry
    let preferredBrand = preferredBrand ?? known.card.preferredBrand
    if expiry != known.card.expiry || preferredBrand != known.card.preferredBrand {
      known.card.expiry = expiry
      known.card.preferredBrand = preferredBrand
      try write(known.card, token: token, merchant: known.merchant, in: &transaction)
      countMove(from: known.key)
    }
    return StoredToken(
      token: token, expiry: expiry, preferredBrand: preferredBrand, isNew: false)
  }

  /// Notes that a card which stood under `key` is gone.
  func countRemoval(from key: KeyIdentifier) { counts.add(-1, under: key) }

  /// Notes that a card which stood under `key` has been sealed under the active one.
  func countMove(from key: KeyIdentifier) {
    countRemoval(from: key)
    counts.add(1, under: cipher.activeKey)
  }

  /// How many cards stand under a data key, the open batch included.
  package func cards(under key: KeyIdentifier) -> UInt64 { counts[key] }

  func write(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, isNew: Bool = false,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) {
    try keyed(keys.countSeal(under: cipher.activeKey))
    record.removeAll(keepingCapacity: true)
    try cipher.seal(card, token: token, merchant: merchant, into: &record)
    let sealed = record
    try token.withBytes { (key) throws(CardStoreError) in
      try stored(
        isNew
          ? transaction.append(key: key, value: sealed.rawSpan, in: .cards)
          : transaction.put(key: key, value: sealed.rawSpan, in: .cards))
    }
  }
}
