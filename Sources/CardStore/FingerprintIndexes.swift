import Cards
import Keyring
import RecordFormat
import Storage

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
  /// - Throws: ``CardStoreError/indexUnreadable`` also where it was stopped;
  ///   ``CardStoreError/indexIsBehind`` where there is no room for what it lacks.
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
    let outcome = try IndexCatchUp(store: store, file: file, cipher: cipher, pace: catchUp).run(
      upTo: newest, progress: progress)
    guard let outcome else { throw .indexUnreadable }
    file.index.noteFilled()
    current = FingerprintIndex(
      file: file, upTo: key == nil ? try file.mark()?.token : newest, waiting: outcome.waiting,
      pace: pace)
    // The table before has to know every card again, those that came after the rotation too: what
    // was in memory of the new one is lost. It is written, since from now on it is frozen.
    if key != nil { replace(under: active, at: newest, pace: pace) }
  }

  private mutating func replace(under key: KeyIdentifier, at newest: Token?, pace: IndexPace) {
    let old = current
    old.freeze(at: newest)
    replaced = old
    current = FingerprintIndex(file: old.file.other(for: key), upTo: nil, pace: pace)
    current.grow()
  }

  /// Goes on with the keys that the batch which has just been committed put in force.
  mutating func adopt(_ cipher: CardCipher, upTo newest: Token?, pace: IndexPace) {
    if cipher.activeFingerprintKey != current.key {
      replace(under: cipher.activeFingerprintKey, at: newest, pace: pace)
    } else if !cipher.isReplacingFingerprints, let old = replaced.take() {
      old.abandon()?.abandon()
      let mark = (try? current.file.mark()) ?? nil
      // Without the mark of who added the older cards, they are not there: it was begun anew.
      if mark == nil { current.file.index.condemn("it has no mark") }
      current.endGrowth(at: mark?.token)
    }
  }

  func batchDidCommit(upTo newest: Token?) {
    current.batchDidCommit(upTo: newest)
    replaced?.batchDidCommit(upTo: newest)
  }

  func batchDidAbort() {
    current.batchDidAbort()
    replaced?.batchDidAbort()
  }

  func flushAll(upTo newest: Token?) {
    current.flushAll(upTo: newest)
    replaced?.flushAll(upTo: newest)
  }

  /// Gives up what is not in the files, and lends what is being written to be abandoned.
  func abandon() -> [FlushTask] {
    [current.abandon(), replaced?.abandon()].compactMap { $0 }
  }
}
