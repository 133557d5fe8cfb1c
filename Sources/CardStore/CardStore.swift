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
  private let slots: SecretPool
  private let pace: IndexPace
  private let confinement = ThreadConfinement()
  private var indexes: FingerprintIndexes
  /// While the index is built anew, since it could not be read.
  private var rebuild: IndexRebuild?
  /// Until when none is begun, since the one before has failed.
  private var rebuildsFrom = ContinuousClock.now
  private var counts: KeyTally
  private var tokens: IdentifierSequence
  private var tokensBeforeBatch: IdentifierSequence
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
    store: Store, keys: LiveKeyring, slots: SecretPool, pace: IndexPace = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws(CardStoreError) {
    self.store = store
    self.keys = keys
    self.slots = slots
    self.pace = pace
    let cipher = try CardCipher(keyring: keys.current, slots: slots)
    self.cipher = cipher
    counts = try keyed(KeyTally(.cards, in: store))
    let newest = try NewestToken.read(in: store)
    newestToken = newest
    newestTokenBeforeBatch = newest
    tokens = IdentifierSequence(after: newest?.uuid)
    tokensBeforeBatch = tokens
    do throws(CardStoreError) {
      indexes = try FingerprintIndexes(
        store: store, cipher: cipher, upTo: newest, pace: pace, progress: progress)
    } catch {
      guard error == .indexUnreadable else { throw error }
      try stored(store.replaceIndex())
      indexes = try FingerprintIndexes(
        store: store, cipher: cipher, upTo: newest, pace: pace, progress: progress)
    }
  }

  deinit { rebuild?.abandon() }

  /// Stores the card, or finds the token that the merchant (within `customer`, where one is given)
  /// has for it. A later expiry and a given preferred brand replace the stored ones.
  ///
  /// - Throws: ``CardStoreError/indexIsBehind``, ``CardStoreError/indexUnreadable``.
  package func tokenize(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken {
    confinement.preconditionInThread()
    guard card.isDeduplicated else {
      return try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    }
    takeRebuiltIndex()
    guard !indexes.current.isCondemned else { throw .indexUnreadable }
    guard indexes.current.hasRoom else { throw .indexIsBehind }
    let fingerprint = try cipher.fingerprint(
      card.pan, merchant: merchant, customer: card.customer)
    keys.countUse(of: indexes.current.key)
    if let hint = try indexes.current.token(for: fingerprint),
      let known = try update(hint, with: card, merchant: merchant, in: &transaction)
    {
      return known
    }
    if let replaced = indexes.replaced {
      let older = try cipher.fingerprint(
        card.pan, merchant: merchant, customer: card.customer, under: replaced.key)
      if let hint = try replaced.token(for: older),
        let known = try update(hint, with: card, merchant: merchant, in: &transaction)
      {
        return known
      }
    }
    let stored = try insert(card, merchant: merchant, atMilliseconds: now, in: &transaction)
    indexes.current.insert(fingerprint, stored.token)
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
    guard var known = try lookUp(token, merchant: merchant, in: &transaction) else { return nil }
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
    return try token.withBytes { (key) throws(CardStoreError) in
      guard let record = try Self.record(key, in: &transaction) else { return nil }
      return try Self.header(of: record).merchant
    }
  }

  /// Releases the merchant's card, or gives nil where this merchant has no such token.
  ///
  /// - Throws: ``CardStoreError/recordDoesNotOpen``, ``CardStoreError/noSecretMemory``.
  package func release(
    _ token: Token, merchant: UInt32, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredCard? {
    confinement.preconditionInThread()
    return try token.withBytes { (key) throws(CardStoreError) in
      guard let record = try Self.record(key, in: &transaction),
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
  ) throws(CardStoreError) -> Bool {
    guard let known = try lookUp(token, merchant: merchant, in: &transaction) else { return false }
    var fingerprint: Digest256?
    var older: Digest256?
    if known.card.isDeduplicated {
      fingerprint = try cipher.fingerprint(
        known.card.pan, merchant: merchant, customer: known.card.customer)
      if let key = indexes.replaced?.key {
        older = try cipher.fingerprint(
          known.card.pan, merchant: merchant, customer: known.card.customer, under: key)
      }
    }
    try token.withBytes { (key) throws(CardStoreError) in
      _ = try stored(transaction.delete(key, in: .cards))
    }
    if let fingerprint { indexes.current.remove(fingerprint, of: token) }
    if let older { indexes.replaced?.remove(older, of: token) }
    counts.add(-1, under: known.key)
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
    indexes.batchDidCommit(upTo: newestToken)
    rebuildUnreadableIndex()
  }

  /// Nothing of the batch is in the store.
  package func batchDidAbort() {
    confinement.preconditionInThread()
    counts.didAbort()
    newestToken = newestTokenBeforeBatch
    tokens = tokensBeforeBatch
    indexes.batchDidAbort()
    rebuildUnreadableIndex()
  }

  /// Writes the fingerprint index out. Call it after the store's writer has stopped.
  package func flushIndex() {
    rebuild?.abandon()
    takeRebuiltIndex()
    indexes.flushAll(upTo: newestToken)
  }

  /// Goes on with the keyring that the batch which has just been committed put in force.
  package func adopt(_ keyring: Keyring) {
    confinement.preconditionInThread()
    cipher.adopt(keyring)
    indexes.adopt(cipher, upTo: newestToken, pace: pace)
    // What is being built is for the keys before, and may not be able to open what comes.
    rebuildUnreadableIndex(besides: rebuild.take())
  }

  /// Begins to build an index that cannot be read anew, unless that is under way: between two
  /// batches, when everything up to the newest token is in the store.
  private func rebuildUnreadableIndex(besides before: IndexRebuild? = nil) {
    guard rebuild == nil, indexes.current.isCondemned, rebuildsFrom <= .now else { return }
    let rebuild = IndexRebuild()
    rebuild.start(
      store, keyring: cipher.keyring, slots: slots, upTo: newestToken, pace: pace, after: before,
      indexes.abandon())
    self.rebuild = rebuild
  }

  /// Goes on with an index that has been built anew; where that has failed, the end of a later batch
  /// begins it again.
  private func takeRebuiltIndex() {
    guard let outcome = rebuild?.outcome, let rebuild = rebuild.take() else { return }
    rebuild.abandon()
    switch outcome {
    case .success(let built): indexes = built
    case .failure: rebuildsFrom = .now + .seconds(10)
    }
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

  /// Believes the hint only when the record that it names opens to this very card.
  private func update(
    _ hint: Token, with card: borrowing StoredCard, merchant: UInt32,
    in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken? {
    guard var known = try believable(hint, merchant: merchant, in: &transaction),
      known.card.isDeduplicated, known.card.customer == card.customer,
      known.card.pan.isEqual(to: card.pan)
    else { return nil }
    return try renew(
      &known, of: hint, expiry: card.expiry, preferredBrand: card.preferredBrand,
      in: &transaction)
  }

  /// Puts a later expiry and a given preferred brand in the place of the stored ones.
  private func renew(
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

  /// Notes that a card which stood under `key` has been sealed under the active one.
  func countMove(from key: KeyIdentifier) {
    counts.add(-1, under: key)
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
