import NIOCore

/// The connections of one event loop, and the one timer that looks after all their deadlines.
///
/// Lives on its loop. A connection notes the tick at which its deadline passes; the timer compares.
/// So a request sets and clears deadlines for nothing, where a scheduled task each would cost more
/// than the request's parsing.
final class LoopConnections {
  private let loop: any EventLoop
  private let core: ServerCore
  private let tickNanoseconds: Int64
  private let start = NIODeadline.now()
  /// Those that wait for another turn.
  let turns = TurnQueue()
  private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
  private var timer: RepeatedTask?
  private var emptied: EventLoopPromise<Void>?

  /// How many ticks have passed.
  private(set) var tick = 0
  /// The time of day in seconds since 1970, as of the last tick.
  private(set) var unixSeconds: Int64
  private var standing: StandingFields

  /// How many connections decide their identity anew in one tick: each costs a signature check.
  private static let decisionsPerTick = 64

  init(loop: any EventLoop, core: ServerCore) {
    self.loop = loop
    self.core = core
    tickNanoseconds = core.limits.tick.nanoseconds
    unixSeconds = core.unixSeconds()
    standing = StandingFields(
      idleSeconds: core.limits.idle.nanoseconds / 1_000_000_000, at: unixSeconds)
  }

  /// The last fields of an answer that is written now.
  func standingFields(closing: Bool) -> ByteBuffer {
    standing.update(to: unixSeconds)
    return closing ? standing.closing : standing.open
  }

  func begin() {
    loop.assertInEventLoop()
    let interval = TimeAmount.nanoseconds(tickNanoseconds)
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      bound.value.advance()
    }
  }

  func end() {
    timer?.cancel()
    timer = nil
    turns.end()
  }

  /// The tick at which a deadline of `amount` from now has passed for certain.
  func deadline(in amount: TimeAmount) -> Int {
    // One more for the part of the present tick that has passed already.
    tick + Int((amount.nanoseconds + tickNanoseconds - 1) / tickNanoseconds) + 1
  }

  func add(_ connection: ConnectionHandler) {
    connections[ObjectIdentifier(connection)] = connection
  }

  func remove(_ connection: ConnectionHandler) {
    connections[ObjectIdentifier(connection)] = nil
    if connections.isEmpty { emptied?.succeed() }
  }

  /// Closes what is idle, and tells the others to close after their answer.
  ///
  /// - Returns: succeeds when no connection is left.
  func stop() -> EventLoopFuture<Void> {
    let promise = emptied ?? loop.makePromise(of: Void.self)
    emptied = promise
    for connection in connections.values { connection.stop() }
    if connections.isEmpty { promise.succeed() }
    return promise.futureResult
  }

  /// Cuts every connection off.
  func abort() {
    for connection in connections.values { connection.abort() }
  }

  private func advance() {
    tick = Int((NIODeadline.now() - start).nanoseconds / tickNanoseconds)
    unixSeconds = core.unixSeconds()
    core.log.tellCounts(at: unixSeconds)
    var decisionsLeft = Self.decisionsPerTick
    for connection in connections.values {
      connection.checkDeadline(tick)
      if decisionsLeft > 0, connection.refreshIdentityIfIdle() { decisionsLeft -= 1 }
    }
  }
}
