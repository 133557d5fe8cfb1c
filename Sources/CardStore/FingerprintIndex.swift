import Cards
import Cryptography
import RecordFormat
import Storage

/// From fingerprint to token, as the writer thread sees it: what is not yet in the index file lies in
/// the overlay, and is written behind.
struct FingerprintIndex {
  /// Entries that make a flush worth its pages: large sorted batches touch each page once.
  static let entriesPerFlush = 131_072
  /// Entries beyond which no card is taken: the index cannot be written, or cannot keep up.
  static let mostWaitingEntries = 2_097_152

  private let file: IndexFile
  private var overlay = Overlay()
  private var flush: FlushTask?
  private var entriesForNextFlush = Self.entriesPerFlush

  init(file: IndexFile) {
    self.file = file
  }

  /// Whether another entry may be added.
  var hasRoom: Bool { overlay.waiting < Self.mostWaitingEntries }

  /// Entries that are not in the index file yet.
  var waiting: Int { overlay.waiting }

  /// The token that the index names for a fingerprint. It is a hint, not a fact.
  func token(for fingerprint: Digest256) throws -> Token? {
    if let token = overlay.token(for: fingerprint) { return token }
    return try file.token(for: fingerprint)
  }

  /// Notes an entry of the batch under way.
  mutating func insert(_ fingerprint: Digest256, _ token: Token) {
    overlay.insert(fingerprint, token)
  }

  mutating func batchDidAbort() {
    overlay.batchDidAbort()
  }

  /// Takes the batch's entries over, and begins a flush when there are enough.
  mutating func batchDidCommit(upTo token: Token?) {
    overlay.batchDidCommit()
    endFlush()
    guard flush == nil, overlay.waiting >= entriesForNextFlush, let token else { return }
    beginFlush(upTo: token)
  }

  /// Writes everything to the index file and waits for it.
  mutating func flushAll(upTo token: Token?) {
    if let flush { _ = flush.finish() }
    endFlush()
    guard overlay.waiting > 0, let token else { return }
    beginFlush(upTo: token)
    if let flush { _ = flush.finish() }
    endFlush()
  }

  private mutating func beginFlush(upTo token: Token) {
    let task = FlushTask(overlay.beginFlush(upTo: token), index: file)
    flush = task
    task.start()
  }

  /// A flush that failed leaves its entries in the overlay; it is tried again with the next ones.
  private mutating func endFlush() {
    switch flush?.outcome {
    case nil, .running: return
    case .done:
      overlay.endFlush()
      entriesForNextFlush = Self.entriesPerFlush
    case .failed:
      overlay.cancelFlush()
      entriesForNextFlush = overlay.waiting + Self.entriesPerFlush
    }
    _ = flush?.finish()
    flush = nil
  }
}
