import Synchronization

/// How the fingerprint index is, for whoever looks from outside: found out on the writer's thread, read
/// from any.
package final class IndexFigures: Sendable {
  private let behind = Atomic(false)
  private let lacking = Atomic(0)
  private let lookIsDue = Atomic(false)

  /// Whether it does not know every card, so that none is looked for: no card of a merchant that
  /// deduplicates is taken.
  package var isBehind: Bool { behind.load(ordering: .relaxed) }
  /// Bytes of room that it lacks to be written; 0 where it lacks none.
  package var lackingBytes: Int { lacking.load(ordering: .relaxed) }

  init() {}

  /// Has the end of the next batch look whether the index has its file and its room, and go on with one
  /// that was built: about once a second.
  package func lookSoon() { lookIsDue.store(true, ordering: .relaxed) }

  /// Whether that is to be done now.
  func takeLook() -> Bool {
    // A load costs the writer nothing; an exchange in every batch would.
    lookIsDue.load(ordering: .relaxed) && lookIsDue.exchange(false, ordering: .relaxed)
  }

  func set(isBehind: Bool, lackingBytes: Int) {
    behind.store(isBehind, ordering: .relaxed)
    lacking.store(lackingBytes, ordering: .relaxed)
  }
}
