import Cards
import Cryptography

/// What is known of the index beyond its file: entries that are committed in the store and not yet
/// written, and those that are to go.
///
/// Confined to the writer thread, except for a ``Generation``, which is immutable and shared with the
/// flush. What the batch under way changes is undone where it does not commit.
struct Overlay: Sendable {
  /// A fingerprint's token, or nil where the card was deleted and the index's entry is to go.
  typealias Entries = [Digest256: Token?]

  /// A closed set of entries on its way to the index, and the mark that holds once it is there; nil
  /// where the mark stays as it is.
  struct Generation: Sendable {
    let entries: Entries
    let upTo: Token?
  }

  private let capacity: Int
  private var entries: Entries
  private var flushing: Generation?
  /// What the batch under way has replaced, in its order.
  private var replaced: [(fingerprint: Digest256, entry: Token??)] = []

  /// - Parameter capacity: entries for which there is room from the beginning: to grow past a hundred
  ///   thousand stops the writer for 20 ms and more.
  /// - Parameter waiting: entries to begin with; of several for a fingerprint, the last.
  init(capacity: Int, waiting: [IndexFile.Entry] = []) {
    self.capacity = capacity
    entries = Entries(minimumCapacity: capacity)
    for (fingerprint, token) in waiting { entries.updateValue(token, forKey: fingerprint) }
  }

  /// How many entries wait for the next generation.
  var waiting: Int { entries.count }

  /// How many entries are not in the file, those of the flush under way included.
  var unwritten: Int { entries.count + (flushing?.entries.count ?? 0) }

  /// The newest entry for a fingerprint; nil where the index's file has the last word.
  func entry(for fingerprint: Digest256) -> Token?? {
    entries[fingerprint] ?? flushing?.entries[fingerprint]
  }

  /// Notes an entry of the batch under way.
  mutating func insert(_ fingerprint: Digest256, _ token: Token?) {
    replaced.append((fingerprint, entries.updateValue(token, forKey: fingerprint)))
  }

  mutating func batchDidCommit() {
    replaced.removeAll(keepingCapacity: true)
  }

  mutating func batchDidAbort() {
    while let (fingerprint, entry) = replaced.popLast() {
      if let entry {
        entries.updateValue(entry, forKey: fingerprint)
      } else {
        entries.removeValue(forKey: fingerprint)
      }
    }
  }

  /// Closes the entries, which are all committed, into a generation for the flush. There is one at a
  /// time.
  mutating func beginFlush(upTo token: Token?) -> Generation {
    precondition(flushing == nil && replaced.isEmpty, "a flush or a batch is under way")
    let generation = Generation(entries: entries, upTo: token)
    entries = Entries(minimumCapacity: capacity)
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
    // The generation is the larger one by far.
    var all = generation.entries
    all.merge(entries) { _, newer in newer }
    entries = all
    flushing = nil
  }
}
