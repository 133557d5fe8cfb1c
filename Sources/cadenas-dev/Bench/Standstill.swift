import NIOCore
import NIOPosix

/// How long the machine stood still: a host that rations processor time stops all processors of a
/// virtual machine at once, and every latency of that moment is the host's.
struct Standstill: Sendable {
  /// All pauses together, in nanoseconds.
  var total: Int64 = 0
  /// The longest, in nanoseconds.
  var longest: Int64 = 0

  /// Notices pauses on a thread of its own, which wakes every two milliseconds: where it is late by
  /// more than a full machine makes it, nothing ran.
  final class Probe: Sendable {
    private static let interval = TimeAmount.milliseconds(2)
    /// How late counts as a pause.
    private static let pause = TimeAmount.milliseconds(5)

    private final class State {
      var seen = Standstill()
      var last = NIODeadline.now()
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let state: NIOLoopBound<State>
    private let task: RepeatedTask

    init() throws {
      let loop = group.next()
      let state = try loop.submit { NIOLoopBound(State(), eventLoop: loop) }.wait()
      task = loop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
        let now = NIODeadline.now()
        let late = now - state.value.last - Self.interval
        state.value.last = now
        guard late >= Self.pause else { return }
        state.value.seen.total += late.nanoseconds
        state.value.seen.longest = max(state.value.seen.longest, late.nanoseconds)
      }
      self.state = state
    }

    /// Ends, and says what was noticed.
    func finish() throws -> Standstill {
      task.cancel()
      let state = state
      let seen = try group.next().submit { state.value.seen }.wait()
      try group.syncShutdownGracefully()
      return seen
    }
  }
}
