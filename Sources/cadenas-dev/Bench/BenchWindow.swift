import NIOCore
import Synchronization

/// When a run measures. It ends early where a connection has nothing left to ask.
final class BenchWindow: Sendable {
  let measuredFrom: NIODeadline
  private let end: Atomic<UInt64>
  private let over: EventLoopPromise<Void>

  /// A window whose end is told on `loop`.
  init(measuredFrom: NIODeadline, until: NIODeadline, on loop: any EventLoop) {
    self.measuredFrom = measuredFrom
    end = Atomic(until.uptimeNanoseconds)
    let over = loop.makePromise(of: Void.self)
    self.over = over
    loop.scheduleTask(deadline: until) { over.succeed() }
  }

  /// Nothing that happens from then on counts.
  var until: NIODeadline { .uptimeNanoseconds(end.load(ordering: .relaxed)) }

  /// Succeeds at the end.
  var ended: EventLoopFuture<Void> { over.futureResult }

  func close() {
    end.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed)
    over.succeed()
  }
}
