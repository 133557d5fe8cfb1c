import Synchronization

/// Which payment messages arrived, so that "sent exactly once" can be tested.
final class ReceivedPayments: Sendable {
  /// How many identifiers are kept; older ones are counted only.
  static let identifierLimit = 100_000

  private struct State {
    var count = 0
    var identifiers: [String] = []
  }

  private let state = Mutex(State())

  /// Counts one message; `identifier` is nil where it could not be read.
  func add(_ identifier: String?) {
    state.withLock { state in
      state.count += 1
      guard let identifier else { return }
      if state.identifiers.count == Self.identifierLimit {
        state.identifiers.removeFirst(Self.identifierLimit / 2)
      }
      state.identifiers.append(identifier)
    }
  }

  /// How many messages came, and the identifiers of the last of them in the order of arrival.
  func summary() -> (count: Int, identifiers: [String]) {
    state.withLock { ($0.count, $0.identifiers) }
  }
}
