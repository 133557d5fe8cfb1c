import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage

/// The fingerprint index as the card store has it: in use, or on its way to where the store is. On the
/// writer's thread, but for ``figures``.
final class IndexKeeper {
  let figures = IndexFigures()
  private let store: Store
  private let slots: SecretPool
  private let pace: IndexPace
  /// Nil while it does not know every card, since there was no room to catch up.
  private var indexes: FingerprintIndexes?
  /// While it is brought to where the store is, since it could not be read or had no room.
  private var rebuild: IndexRebuild?
  /// Until when none is begun, since the one before has failed.
  private var rebuildsFrom = ContinuousClock.now
  /// From when on it is tried without regard to room, which is an estimate; nil where room was not what
  /// was missing.
  private var triesWithoutRoomFrom: ContinuousClock.Instant?

  /// Brings the index of `store` to where its records are, up to `newest`; begins it anew where it cannot
  /// be read. Where there is no room for that, it goes on when there is.
  init(
    store: Store, cipher: CardCipher, slots: SecretPool, upTo newest: Token?, pace: IndexPace,
    progress: (Int) -> Void
  ) throws(CardStoreError) {
    self.store = store
    self.slots = slots
    self.pace = pace
    try open(cipher, upTo: newest, progress)
  }

  /// Begins the index anew from the records, since it does not say what they do. At a start.
  func beginAnew(
    _ cipher: CardCipher, upTo newest: Token?, because reason: String
  ) throws(CardStoreError) {
    store.condemnIndex(reason)
    indexes = nil
    try open(cipher, upTo: newest) { _ in }
  }

  private func open(
    _ cipher: CardCipher, upTo newest: Token?, _ progress: (Int) -> Void
  ) throws(CardStoreError) {
    do throws(CardStoreError) {
      indexes = try Self.open(store, cipher, upTo: newest, pace, progress)
    } catch {
      guard error == .indexIsBehind else { throw error }
      delay(after: error)
    }
    tell()
  }

  private static func open(
    _ store: Store, _ cipher: CardCipher, upTo newest: Token?, _ pace: IndexPace,
    _ progress: (Int) -> Void
  ) throws(CardStoreError) -> FingerprintIndexes {
    do throws(CardStoreError) {
      // A condemned one is not asked.
      if (try? store.index)?.isCondemned == true { throw .indexUnreadable }
      return try FingerprintIndexes(
        store: store, cipher: cipher, upTo: newest, pace: pace, progress: progress)
    } catch {
      guard error == .indexUnreadable else { throw error }
      try IndexRebuild.prepareIndex(of: store)
      return try FingerprintIndexes(
        store: store, cipher: cipher, upTo: newest, pace: pace, progress: progress)
    }
  }

  // MARK: - Looking up

  /// Whether the index can be asked now; what it was asked before is not worth less for it.
  ///
  /// - Throws: ``CardStoreError/indexIsBehind``, ``CardStoreError/indexUnreadable``.
  func requireUse() throws(CardStoreError) {
    takeRebuilt()
    guard let current, !current.isCondemned else {
      throw triesWithoutRoomFrom == nil ? .indexUnreadable : .indexIsBehind
    }
    guard current.hasRoom else { throw .indexIsBehind }
  }

  /// The index under the active key; nil while it does not know every card.
  var current: FingerprintIndex? { indexes?.current }

  /// The one before, in which older cards are found while fingerprints are made anew.
  var replaced: FingerprintIndex? { indexes?.replaced }

  // MARK: - Batches

  /// Notes an entry of the batch under way.
  func insert(_ fingerprint: Digest256, _ token: Token) {
    indexes?.current.insert(fingerprint, token)
  }

  /// Notes that the card of `token` goes, and its entries with it.
  func remove(_ fingerprint: Digest256, older: Digest256?, of token: Token) {
    indexes?.current.remove(fingerprint, of: token)
    guard let older else { return }
    indexes?.replaced?.remove(older, of: token)
  }

  /// Everything up to `newest` is in the store: goes on with an index that has been built, or begins to
  /// build one.
  func batchDidCommit(upTo newest: Token?, _ keyring: Keyring) {
    indexes?.batchDidCommit(upTo: newest)
    guard figures.takeLook() else { return rebuild(upTo: newest, keyring) }
    takeRebuilt()
    // What is written to a file without a name, the next start does not find.
    if let index = indexes?.current.file.index, !index.isInPlace {
      index.condemn("its file was deleted, replaced or cut off")
    }
    rebuild(upTo: newest, keyring)
    tell()
  }

  func batchDidAbort(upTo newest: Token?, _ keyring: Keyring) {
    indexes?.batchDidAbort()
    rebuild(upTo: newest, keyring)
  }

  /// Goes on with the keys that the batch which has just been committed put in force.
  func adopt(_ cipher: CardCipher, upTo newest: Token?) {
    indexes?.adopt(cipher, upTo: newest, pace: pace)
    // What is being built is for the keys before, and may not be able to open what comes.
    rebuild(upTo: newest, cipher.keyring, besides: rebuild.take())
  }

  /// Writes everything to the index file. When the writer has stopped.
  func close(upTo newest: Token?) {
    rebuild?.abandon()
    takeRebuilt()
    indexes?.flushAll(upTo: newest)
  }

  /// Ends what is being built.
  func abandon() { rebuild?.abandon() }

  // MARK: - Building

  /// Begins to bring an index that cannot be used to where the store is, unless that is under way:
  /// between two batches, when everything up to the newest token is in the store.
  private func rebuild(
    upTo newest: Token?, _ keyring: Keyring, besides before: IndexRebuild? = nil
  ) {
    guard rebuild == nil, indexes?.current.isCondemned != false else { return }
    guard before != nil || rebuildsFrom <= .now && !stillLacksRoom else { return }
    let next = IndexRebuild()
    next.start(
      store, keyring: keyring, slots: slots, upTo: newest, pace: pace, after: before,
      indexes?.abandon() ?? [])
    rebuild = next
  }

  /// Goes on with an index that has been built; where that has failed, the end of a later batch begins
  /// it again.
  private func takeRebuilt() {
    guard let outcome = rebuild?.outcome, let ended = rebuild.take() else { return }
    ended.abandon()
    switch outcome {
    case .success(let built):
      indexes = built
      triesWithoutRoomFrom = nil
    case .failure(let error): delay(after: error)
    }
  }

  private func delay(after error: CardStoreError) {
    guard error == .indexIsBehind else {
      triesWithoutRoomFrom = nil
      rebuildsFrom = .now + pace.retryPause
      return
    }
    // Every record would be opened again for nothing.
    triesWithoutRoomFrom = .now + pace.retryPause * 6
    (try? store.index)?.removeSetAside()
  }

  private var stillLacksRoom: Bool {
    triesWithoutRoomFrom.map { .now < $0 && store.indexLackingBytes() > 0 } ?? false
  }

  /// Says how the index is.
  private func tell() {
    let isUsable = indexes?.current.isCondemned == false && indexes?.current.hasRoom == true
    let late = indexes?.current.lateEntries ?? 0
    let lacking =
      triesWithoutRoomFrom != nil
      ? store.indexLackingBytes() : late > 0 ? store.indexLackingBytes(waiting: late) : 0
    figures.set(isBehind: !isUsable, lackingBytes: lacking)
  }
}
