import Cards
import Cryptography

/// What is known of the index beyond its file: entries that are committed in the store and not yet
/// written, and those that are to go.
///
/// Confined to the writer thread, except for a ``Generation``, which is immutable and shared with the
/// flush. Entries of the batch under way stand apart until it has committed.
struct Overlay {
  /// A fingerprint's token, or nil where the card was deleted and the index's entry is to go.
  typealias Entries = [Digest256: Token?]

  /// A closed set of entries on its way to the index, and the mark that holds once it is there.
  final class Generation: Sendable {
    let entries: Entries
    let upTo: Token

    init(entries: Entries, upTo: Token) {
      self.entries = entries
      self.upTo = upTo
    }
  }

  private var batch: Entries = [:]
  private var committed: Entries = [:]
  private var flushing: Generation?

  /// How many entries wait for the next generation.
  var waiting: Int { committed.count }

  /// The newest entry for a fingerprint; nil where the index's file has the last word.
  func entry(for fingerprint: Digest256) -> Token?? {
    batch[fingerprint] ?? committed[fingerprint] ?? flushing?.entries[fingerprint]
  }

  /// Notes an entry of the batch under way.
  mutating func insert(_ fingerprint: Digest256, _ token: Token?) {
    batch.updateValue(token, forKey: fingerprint)
  }

  mutating func batchDidCommit() {
    for (fingerprint, token) in batch { committed.updateValue(token, forKey: fingerprint) }
    batch.removeAll(keepingCapacity: true)
  }

  mutating func batchDidAbort() {
    batch.removeAll(keepingCapacity: true)
  }

  /// Closes the committed entries into a generation for the flush. There is one at a time.
  mutating func beginFlush(upTo token: Token) -> Generation {
    precondition(flushing == nil, "a flush is under way")
    let generation = Generation(entries: committed, upTo: token)
    committed = [:]
    flushing = generation
    return generation
  }

  /// The generation is durable in the index, which answers for it from now on.
  mutating func endFlush() {
    flushing = nil
  }

  /// The generation could not be written: its entries wait again, unless newer ones took their place.
  mutating func cancelFlush() {
    guard let generation = flushing else { return }
    committed.merge(generation.entries) { newer, _ in newer }
    flushing = nil
  }
}
