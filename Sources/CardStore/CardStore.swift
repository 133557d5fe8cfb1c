internal import Bytes
package import Cards
import Cryptography
package import Keyring
import LMDB
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
  private let pace: IndexPace
  private var index: FingerprintIndex
  /// While fingerprints are made anew: where those of older cards are.
  private var replacedIndex: FingerprintIndex?
  private var counts: KeyTally
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
    store: Store, keys: LiveKeyring, slots: SecretPool, pace: IndexPace = .standard,
    progress: (Int) -> Void = { _ in }
  ) throws {
    self.store = store
    self.keys = keys
    self.pace = pace
    let keyring = keys.current
    cipher = try CardCipher(keyring: keyring, slots: slots)
    counts = try KeyTally(.cards, in: store)
    newestToken = try store.read { try NewestToken.read($0) }
    newestTokenBeforeBatch = newestToken
    tokens = TokenSequence(after: newestToken)
    tokensBeforeBatch = tokens
    let active = keyring.activeFingerprintKey.identifier
    let newest = newestToken
    guard let replaced = cipher.replacedFingerprintKey else {
      let file = try IndexFile(store: store, fingerprintKey: active)
      var catchUp = IndexCatchUp.Pace()
      catchUp.mostHandedOut = pace.entriesPerFlush
      let waiting = try IndexCatchUp(store: store, file: file, cipher: cipher, pace: catchUp).run(
        upTo: newest, progress: progress)
      index = FingerprintIndex(
        file: file, upTo: try file.mark()?.token, waiting: waiting ?? [], pace: pace)
      return
    }
    // The table before has to know every card again, those that came after the rotation too: what
    // was in memory of the new one is lost. It is written, since from now on it is frozen.
    let oldFile = try IndexFile(store: store, fingerprintKey: replaced, besides: [active])
    try IndexCatchUp(store: store, file: oldFile, cipher: cipher).run(
      upTo: newest, progress: progress)
    var old = FingerprintIndex(file: oldFile, upTo: newest, pace: pace)
    old.freeze(at: newest)
    replacedIndex = old
    index = FingerprintIndex(file: oldFile.other(for: active), upTo: nil, pace: pace)
    index.grow()
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
    let fingerprint = try cipher.fingerprint(
      card.pan, merchant: merchant, customer: card.customer)
    keys.countUse(of: index.key)
    if let hint = try index.token(for: fingerprint),
      let known = try update(hint, with: card, merchant: merchant, in: &transaction)
    {
      return known
    }
    if let replacedIndex {
      let older = try cipher.fingerprint(
        card.pan, merchant: merchant, customer: card.customer, under: replacedIndex.key)
      if let hint = try replacedIndex.token(for: older),
        let known = try update(hint, with: card, merchant: merchant, in: &transaction)
      {
        return known
      }
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
      index.remove(
        try cipher.fingerprint(
          known.card.pan, merchant: merchant, customer: known.card.customer), of: token)
      if let key = replacedIndex?.key {
        replacedIndex?.remove(
          try cipher.fingerprint(
            known.card.pan, merchant: merchant, customer: known.card.customer, under: key),
          of: token)
      }
    }
    try token.withBytes { key in _ = try transaction.delete(key, in: .cards) }
    counts.add(-1, under: known.key)
    return true
  }

  /// Writes what the batch has changed beside the records.
  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws {
    try counts.willCommit(&transaction)
    if let newestToken, newestToken != newestTokenBeforeBatch {
      try NewestToken.write(newestToken, in: &transaction)
    }
  }

  /// The batch is durable.
  package func batchDidCommit() {
    counts.didCommit()
    newestTokenBeforeBatch = newestToken
    tokensBeforeBatch = tokens
    index.batchDidCommit(upTo: newestToken)
    replacedIndex?.batchDidCommit(upTo: newestToken)
  }

  /// Nothing of the batch is in the store.
  package func batchDidAbort() {
    counts.didAbort()
    newestToken = newestTokenBeforeBatch
    tokens = tokensBeforeBatch
    index.batchDidAbort()
    replacedIndex?.batchDidAbort()
  }

  /// Writes the fingerprint index out. Call it after the store's writer has stopped.
  package func flushIndex() {
    index.flushAll(upTo: newestToken)
    replacedIndex?.flushAll(upTo: newestToken)
  }

  /// Goes on with the keyring that the batch which has just been committed put in force.
  package func adopt(_ keyring: Keyring) {
    cipher.adopt(keyring)
    let active = keyring.activeFingerprintKey.identifier
    if active != index.key {
      var old = index
      old.freeze(at: newestToken)
      replacedIndex = old
      index = FingerprintIndex(
        file: old.file.other(for: active), upTo: nil, pace: pace)
      index.grow()
    } else if var old = replacedIndex, keyring.replacedFingerprintKey == nil {
      old.abandon()
      replacedIndex = nil
      // Where the mark cannot be read, the next flush writes it.
      index.endGrowth(at: (try? index.file.mark())?.token)
    }
  }

  private func insert(
    _ card: borrowing StoredCard, merchant: UInt32, atMilliseconds now: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws -> StoredToken {
    let token = try tokens.next(
      atMilliseconds: UInt64(clamping: now), random: try cipher.randomNumber(),
      spread: try cipher.randomNumber())
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
      countMove(from: known.key)
    }
    return StoredToken(
      token: hint, expiry: expiry, preferredBrand: preferredBrand, isNew: false)
  }

  /// Notes that a card which stood under `key` has been sealed under the active one.
  func countMove(from key: KeyIdentifier) {
    counts.add(-1, under: key)
    counts.add(1, under: cipher.activeKey)
  }

  /// How many cards stand under a data key, the open batch included.
  package func cards(under key: KeyIdentifier) -> UInt64 { counts[key] }

  func write(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, options: PutOptions = [],
    in transaction: inout StoreWriteTransaction
  ) throws {
    try keys.countSeal(under: cipher.activeKey)
    record.removeAll(keepingCapacity: true)
    try cipher.seal(card, token: token, merchant: merchant, into: &record)
    let sealed = record
    try token.withBytes { key in
      try transaction.put(key: key, value: sealed.rawSpan, in: .cards, options: options)
    }
  }
}
