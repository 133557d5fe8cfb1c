import Cards
import Cryptography
import RecordFormat
import Storage

/// From fingerprint to token, as the writer thread sees it: what is not yet in the index file lies in
/// the overlay, and is written behind.
///
/// `@unchecked Sendable`: used by one thread at a time, by who makes it and then by the store's writer.
final class FingerprintIndex: @unchecked Sendable {
  let file: IndexFile
  private let pace: IndexPace
  private var overlay: Overlay
  private var flush: FlushTask?
  /// What the file's mark says, once what is under way is there.
  private var marked: Token?
  /// Until when no flush begins, since the last one has failed.
  private var flushesFrom: ContinuousClock.Instant?
  /// How far the index may say that it is complete.
  private var completeness = Completeness.everything

  /// What an index lacks while fingerprints are made anew.
  enum Completeness: Sendable {
    /// Every card has its entry.
    case everything
    /// Cards after the token have theirs elsewhere.
    case frozen(Token?)
    /// Older cards are still being added, by whoever moves the mark.
    case growing
  }

  /// An index whose file is complete up to `token`, and lacks what is `waiting` beyond it.
  init(file: IndexFile, upTo token: Token?, waiting: [IndexFile.Entry] = [], pace: IndexPace) {
    self.file = file
    self.pace = pace
    marked = token
    overlay = Overlay(capacity: pace.entriesPerFlush, waiting: waiting)
  }

  /// The key of its fingerprints.
  var key: KeyIdentifier { file.fingerprintKey }

  /// From now on cards after `token` have their entry elsewhere.
  func freeze(at token: Token?) {
    completeness = .frozen(token)
  }

  /// From now on somebody else adds older cards, and moves the mark.
  func grow() { completeness = .growing }

  /// Every card up to `token` has been added, and the mark says so.
  func endGrowth(at token: Token?) {
    completeness = .everything
    marked = token
  }

  /// How many entries wait to be written since that was tried in vain; 0 where it was not.
  var lateEntries: Int { flushesFrom == nil ? 0 : overlay.unwritten }

  /// Whether the index cannot be used any more.
  var isCondemned: Bool { file.index.isCondemned }

  /// Whether another entry may be added.
  var hasRoom: Bool { overlay.waiting < pace.mostWaitingEntries }

  /// What the index says of a fingerprint.
  enum Finding {
    /// A hint, not a fact.
    case token(Token)
    /// The card was deleted a moment ago.
    case deleted
    /// No entry; no proof either, unless the file is proven.
    case nothing
  }

  func find(_ fingerprint: Digest256) throws(CardStoreError) -> Finding {
    if let entry = overlay.entry(for: fingerprint) { return entry.map { .token($0) } ?? .deleted }
    return try file.token(for: fingerprint).map { .token($0) } ?? .nothing
  }

  /// Notes an entry of the batch under way.
  func insert(_ fingerprint: Digest256, _ token: Token) {
    overlay.insert(fingerprint, token)
  }

  /// Notes that the card of `token` goes, and its entry with it. Without room, or where the index
  /// cannot be read, the entry stays and points to nothing: no reason to keep a card.
  func remove(_ fingerprint: Digest256, of token: Token) {
    guard !isCondemned, hasRoom, case .token(token) = try? find(fingerprint) else { return }
    overlay.insert(fingerprint, nil)
  }

  func batchDidAbort() {
    overlay.batchDidAbort()
  }

  /// Takes the batch's entries over, and begins a flush when there are enough.
  func batchDidCommit(upTo token: Token?) {
    overlay.batchDidCommit()
    endFlush()
    guard flush == nil, overlay.waiting >= entriesPerFlush, token != nil, !isCondemned,
      flushesFrom.map({ $0 <= .now }) ?? true
    else { return }
    beginFlush(upTo: mark(token))
  }

  /// Writes everything to the index file and waits for it. The mark moves even where no entry does:
  /// the next start would look at every card after it.
  func flushAll(upTo token: Token?) {
    if let flush { _ = flush.finish() }
    endFlush()
    let mark = mark(token)
    guard !isCondemned, token != nil, overlay.waiting > 0 || mark.map({ $0 != marked }) ?? false
    else { return }
    beginFlush(upTo: mark)
    if let flush { _ = flush.finish() }
    endFlush()
  }

  /// Gives up what is not in the file: nobody will look for it any more. The flush under way, where
  /// there is one, is for the caller to abandon.
  func abandon() -> FlushTask? { flush.take() }

  /// Entries that make a flush. What comes to an index that is frozen is little, deletions, and what
  /// waits is not to lie in memory for as long as that lasts.
  private var entriesPerFlush: Int {
    if case .frozen = completeness { return min(pace.entriesPerFlush, 8_192) }
    return pace.entriesPerFlush
  }

  /// What the mark may say when everything up to `token` is written; nil where it has to stay.
  private func mark(_ token: Token?) -> Token? {
    switch completeness {
    case .everything: token
    case .frozen(let last): last
    case .growing: nil
    }
  }

  private func beginFlush(upTo token: Token?) {
    let task = FlushTask(overlay.beginFlush(upTo: token), index: file, pace: pace)
    flush = task
    task.start()
  }

  /// A flush that failed leaves its entries in the overlay; it is tried again after a pause.
  private func endFlush() {
    guard let flush else { return }
    switch flush.outcome {
    case .running: return
    case .done:
      overlay.endFlush()
      marked = flush.upTo ?? marked
      flushesFrom = nil
    case .failed:
      overlay.cancelFlush()
      flushesFrom = .now + pace.retryPause
    }
    _ = flush.finish()
    self.flush = nil
  }
}
