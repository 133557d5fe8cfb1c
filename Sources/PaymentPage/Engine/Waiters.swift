import Synchronization

/// Those who wait for something that is under way, each for a time of its own.
final class Waiters: Sendable {
  private struct State {
    var nextNumber = 0
    var waiting: [Int64: [Int: CheckedContinuation<Void, Never>]] = [:]
    /// How many run for it.
    var underWay: [Int64: Int] = [:]
  }

  private let state = Mutex(State())

  /// Something begins. What has not begun is not waited for.
  func begin(_ id: Int64) { state.withLock { $0.underWay[id, default: 0] += 1 } }

  /// It has ended, or rests.
  func end(_ id: Int64) {
    let all = state.withLock { state -> [Int: CheckedContinuation<Void, Never>] in
      let left = state.underWay[id, default: 1] - 1
      state.underWay[id] = left > 0 ? left : nil
      guard left <= 0 else { return [:] }
      return state.waiting.removeValue(forKey: id) ?? [:]
    }
    for continuation in all.values { continuation.resume() }
  }

  /// Whether nothing is under way.
  var isIdle: Bool { state.withLock { $0.underWay.isEmpty } }

  func isUnderWay(_ id: Int64) -> Bool { state.withLock { $0.underWay[id] != nil } }

  /// Returns when it has ended, or the time is over.
  func wait(for id: Int64, milliseconds: Int) async {
    await withCheckedContinuation { continuation in
      let number = state.withLock { state -> Int? in
        guard state.underWay[id] != nil else { return nil }
        state.nextNumber += 1
        state.waiting[id, default: [:]][state.nextNumber] = continuation
        return state.nextNumber
      }
      guard let number else { return continuation.resume() }
      Task {
        try? await Task.sleep(nanoseconds: UInt64(milliseconds) * 1_000_000)
        state.withLock { $0.waiting[id]?.removeValue(forKey: number) }?.resume()
      }
    }
  }
}
