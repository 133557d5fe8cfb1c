import Cards
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Synchronization

/// The fingerprint index and, while fingerprints are made anew under another key, the one before.
struct FingerprintIndexes: Sendable {
  var current: FingerprintIndex
  /// Where those of older cards are.
  var replaced: FingerprintIndex?

  /// Brings the index of `store` to where its records are, up to `newest`.
  ///
  /// - Parameters:
  ///   - rest: called after each piece of work with the time that it took; false stops it.
  ///   - progress: told how many records have been opened.
  /// - Throws: ``CardStoreError/indexUnreadable`` also where it was stopped.
  init(
    store: Store, cipher: CardCipher, upTo newest: Token?, pace: IndexPace,
    rest: @escaping (Duration) -> Bool = { _ in true }, progress: (Int) -> Void = { _ in }
  ) throws(CardStoreError) {
    let active = cipher.activeFingerprintKey
    let key = cipher.replacedFingerprintKey
    let file = try IndexFile(
      store: store, fingerprintKey: key ?? active, besides: key == nil ? [] : [active])
    var catchUp = IndexCatchUp.Pace()
    catchUp.rest = rest
    if key == nil { catchUp.mostHandedOut = pace.entriesPerFlush }
    let waiting = try IndexCatchUp(store: store, file: file, cipher: cipher, pace: catchUp).run(
      upTo: newest, progress: progress)
    guard let waiting else { throw .indexUnreadable }
    current = FingerprintIndex(
      file: file, upTo: key == nil ? try file.mark()?.token : newest, waiting: waiting, pace: pace)
    // The table before has to know every card again, those that came after the rotation too: what
    // was in memory of the new one is lost. It is written, since from now on it is frozen.
    if key != nil { replace(under: active, at: newest, pace: pace) }
  }

  private mutating func replace(under key: KeyIdentifier, at newest: Token?, pace: IndexPace) {
    var old = current
    old.freeze(at: newest)
    replaced = old
    current = FingerprintIndex(file: old.file.other(for: key), upTo: nil, pace: pace)
    current.grow()
  }

  /// Goes on with the keys that the batch which has just been committed put in force.
  mutating func adopt(_ cipher: CardCipher, upTo newest: Token?, pace: IndexPace) {
    if cipher.activeFingerprintKey != current.key {
      replace(under: cipher.activeFingerprintKey, at: newest, pace: pace)
    } else if !cipher.isReplacingFingerprints, var old = replaced.take() {
      old.abandon()?.abandon()
      let mark = (try? current.file.mark()) ?? nil
      // Without the mark of who added the older cards, they are not there: it was begun anew.
      if mark == nil { current.file.index.condemn() }
      current.endGrowth(at: mark?.token)
    }
  }

  mutating func batchDidCommit(upTo newest: Token?) {
    current.batchDidCommit(upTo: newest)
    replaced?.batchDidCommit(upTo: newest)
  }

  mutating func batchDidAbort() {
    current.batchDidAbort()
    replaced?.batchDidAbort()
  }

  mutating func flushAll(upTo newest: Token?) {
    current.flushAll(upTo: newest)
    replaced?.flushAll(upTo: newest)
  }

  /// Gives up what is not in the files, and lends what is being written to be abandoned.
  mutating func abandon() -> [FlushTask] {
    [current.abandon(), replaced?.abandon()].compactMap { $0 }
  }
}

/// Builds a fingerprint index that cannot be read anew, on a thread of its own, while the store is
/// served. No card that is deduplicated may be stored meanwhile, so that it misses none.
final class IndexRebuild: Sendable {
  private let isAbandoned = Atomic(false)
  private let result = Mutex<Result<FingerprintIndexes, CardStoreError>?>(nil)
  private let thread = Mutex<WorkerThread?>(nil)

  /// What it came to; nil while it is under way.
  var outcome: Result<FingerprintIndexes, CardStoreError>? { result.withLock { $0 } }

  /// Begins. Where there is no thread to be had, it has failed.
  ///
  /// - Parameters:
  ///   - newest: the greatest token that the store ever gave out.
  ///   - before: a rebuild under other keys, and flushes to the index before, which end first.
  func start(
    _ store: Store, keyring: Keyring, slots: SecretPool, upTo newest: Token?, pace: IndexPace,
    after before: IndexRebuild?, _ flushes: [FlushTask]
  ) {
    before?.isAbandoned.store(true, ordering: .relaxed)
    do throws(StorageError) {
      let worker = try WorkerThread(named: "cadenas-index") { [self] in
        before?.abandon()
        for flush in flushes { flush.abandon() }
        let outcome: Result<FingerprintIndexes, CardStoreError>
        do throws(CardStoreError) {
          let cipher = try CardCipher(keyring: keyring, slots: slots)
          try stored(store.replaceIndex())
          outcome = .success(
            try FingerprintIndexes(
              store: store, cipher: cipher, upTo: newest, pace: pace,
              rest: { [self] _ in !isAbandoned.load(ordering: .relaxed) }))
        } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
      }
      thread.withLock { $0 = worker }
    } catch { result.withLock { $0 = .failure(.store(error)) } }
  }

  /// Ends it after the piece of work under way, and waits for that.
  func abandon() {
    isAbandoned.store(true, ordering: .relaxed)
    thread.withLock { $0.take() }?.join()
  }
}
