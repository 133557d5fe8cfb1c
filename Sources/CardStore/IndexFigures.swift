import Synchronization

/// How the fingerprint index is, for whoever looks from outside: set on the writer's thread, read from
/// any.
package final class IndexFigures: Sendable {
  private let behind = Atomic(false)
  private let lacking = Atomic(0)

  /// Whether it does not know every card, so that none is looked for: no card of a merchant that
  /// deduplicates is taken.
  package var isBehind: Bool { behind.load(ordering: .relaxed) }
  /// Bytes of room that it lacks to be written; 0 where it lacks none.
  package var lackingBytes: Int { lacking.load(ordering: .relaxed) }

  init() {}

  func set(isBehind: Bool, lackingBytes: Int) {
    behind.store(isBehind, ordering: .relaxed)
    lacking.store(lackingBytes, ordering: .relaxed)
  }
}
