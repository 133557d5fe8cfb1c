import Cards
import Cryptography

/// Index entries that are committed in the store but not yet written to the index.
///
/// Confined to the writer thread, except for a ``Generation``, which is immutable and shared with the
/// flush. Entries of the batch under way stand apart until it has committed.
struct Overlay {
  /// A closed set of entries on its way to the index, and the mark that holds once it is there.
  final class Generation: Sendable {
    let entries: [Digest256: Token]
    let upTo: Token

    init(entries: [Digest256: Token], upTo: Token) {
      self.entries = entries
      self.upTo = upTo
    }
  }

  private var batch: [Digest256: Token] = [:]
  private var committed: [Digest256: Token] = [:]
  private var flushing: Generation?

  /// How many entries wait for the next generation.
  var waiting: Int { committed.count }

  /// The token that the newest entry names.
  func token(for fingerprint: Digest256) -> Token? {
    batch[fingerprint] ?? committed[fingerprint] ?? flushing?.entries[fingerprint]
  }

  mutating func insert(_ fingerprint: Digest256, _ token: Token) {
    batch[fingerprint] = token
  }

  mutating func batchDidCommit() {
    for (fingerprint, token) in batch { committed[fingerprint] = token }
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
