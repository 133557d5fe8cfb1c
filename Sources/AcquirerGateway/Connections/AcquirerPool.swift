import NIOCore
import Synchronization

/// The connections of one acquirer under one generation of the configuration: a ``LoopPool`` for each
/// event loop, and messages dealt to them in turn.
final class AcquirerPool: Sendable {
  let acquirer: String
  private let loops: [LoopPool]
  private let turn = Atomic<Int>(0)

  init(
    _ acquirer: String, to endpoint: AcquirerEndpoint, _ limits: GatewayLimits,
    on group: any EventLoopGroup, _ tally: ConnectionTally
  ) {
    self.acquirer = acquirer
    let all = Array(group.makeIterator())
    // Where fewer are kept than there are loops, the others would never find one.
    let used = limits.connectionsKept == 0 ? all.count : min(all.count, limits.connectionsKept)
    loops = all.prefix(used).enumerated().map { index, loop in
      let share = LoopPool.Share(
        kept: Self.part(index, of: limits.connectionsKept, among: used),
        warm: Self.part(
          index, of: min(limits.connectionsWarm, limits.connectionsKept), among: used))
      return LoopPool(on: loop, to: endpoint, limits, share, tally)
    }
  }

  /// Of `count` what falls to one of `parts`, the first of which have one more.
  static func part(_ index: Int, of count: Int, among parts: Int) -> Int {
    count / parts + (index < count % parts ? 1 : 0)
  }

  /// Where the next message goes: in turn, and first to where a connection waits.
  func next() -> LoopPool {
    let turn = Int(UInt(bitPattern: turn.add(1, ordering: .relaxed).oldValue) % UInt(loops.count))
    for step in loops.indices {
      let pool = loops[(turn + step) % loops.count]
      if pool.hasIdle.load(ordering: .relaxed) { return pool }
    }
    return loops[turn]
  }

  /// Opens what is to be there before the first message.
  func warm() {
    for pool in loops { pool.loop.execute { pool.warm() } }
  }

  /// Closes what is idle, and from now on whatever becomes idle.
  func retire(_ end: ConnectionEnd) {
    for pool in loops { pool.loop.execute { pool.retire(end) } }
  }
}
