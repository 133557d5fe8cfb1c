import NIOCore
import NIOPosix
import NIOSSL

/// Prepares cards, opens the connections, lets them run together, and gathers what they saw.
struct BenchRun {
  /// How long one connection may take to open, in seconds.
  private static let connectLimitSeconds: Int64 = 30
  /// How long the cards of a run may take to prepare, in minutes.
  private static let prepareLimitMinutes: Int64 = 10
  /// How many connections prepare cards at most.
  private static let preparingConnections = 64

  let plan: BenchPlan
  /// Whose clients ask.
  let material: TLSMaterial

  func run() throws -> BenchReport {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
    defer { try? group.syncShutdownGracefully() }
    let cards = try prepare(on: group, firstCard: TestCardNumbers.freshStart())
    let firstCard = TestCardNumbers.freshStart()
    let context = try material.client(plan.operation.client, trusting: "ca")
    let connections = try (0..<plan.connections).map { index in
      let share = plan.dividesCards ? cards.share(index, of: plan.connections) : cards
      return try connect(
        BenchRequests(
          .measure(plan.operation), plan, cards: share, connection: index, firstCard: firstCard),
        context, interval: plan.interval, on: group.next())
    }
    let start = NIODeadline.now() + .milliseconds(50)
    let measuredFrom = start + plan.warmUp
    let window = BenchWindow(
      measuredFrom: measuredFrom, until: measuredFrom + plan.measured, on: group.next())
    for (index, connection) in connections.enumerated() {
      // With a rate, connections take turns instead of starting together.
      let share = (plan.interval?.nanoseconds ?? 0) * Int64(index) / Int64(plan.connections)
      connection.start(from: start + .nanoseconds(share), in: window) { window.close() }
    }
    try group.next().scheduleTask(deadline: measuredFrom) {}.futureResult.wait()
    let before = ProcessorTime.now(server: plan.server)
    let probe = try Standstill.Probe()
    let ended = Result { try window.ended.wait() }
    let used = ProcessorTime.now(server: plan.server) - before
    let standstill = try probe.finish()
    try ended.get()
    var tally = BenchTally()
    for connection in connections { tally.add(try connection.finish().tally) }
    let seconds = Double((window.until - measuredFrom).nanoseconds) / 1e9
    return BenchReport(
      plan: plan, tally: tally, seconds: seconds, processors: used, standstill: standstill)
  }

  /// Gives cards tokens before anything is measured, as the shop.
  private func prepare(
    on group: MultiThreadedEventLoopGroup, firstCard: Int
  ) throws -> BenchCards {
    var cards = BenchCards()
    guard plan.prepared > 0 else { return cards }
    let count = min(Self.preparingConnections, plan.prepared)
    let context = try material.client("shop", trusting: "ca")
    let loop = group.next()
    let now = NIODeadline.now()
    let window = BenchWindow(
      measuredFrom: now, until: now + .minutes(Self.prepareLimitMinutes), on: loop)
    let connections = try (0..<count).map { index in
      let numbers = stride(from: index, to: plan.prepared, by: count).map {
        preparedNumber($0, firstCard: firstCard)
      }
      return try connect(
        BenchRequests(
          .prepare(numbers: numbers), plan, cards: BenchCards(), connection: index,
          firstCard: firstCard),
        context, interval: nil, on: group.next())
    }
    let ends = connections.map { connection in
      let done = loop.makePromise(of: Void.self)
      connection.start(from: now, in: window) { done.succeed() }
      return done.futureResult
    }
    let all = EventLoopFuture.andAllComplete(ends, on: loop)
    all.whenComplete { _ in window.close() }
    try window.ended.wait()
    for connection in connections { cards.add(try connection.finish().cards) }
    guard cards.count == plan.prepared else {
      throw DevelopmentError.unexpected(
        "only \(cards.count) of \(plan.prepared) cards got their tokens before the run")
    }
    return cards
  }

  /// Which card is prepared: one of those in the store, spread over all of them, or a new one. What
  /// is to be deleted, or gets a later expiry, is always new.
  private func preparedNumber(_ position: Int, firstCard: Int) -> Int {
    guard plan.filled > 0, !plan.dividesCards else {
      return TestCardNumbers.index(position, from: firstCard)
    }
    return Int.random(in: 0..<plan.filled)
  }

  /// One open connection, and the way to its handler.
  private struct Connection {
    let channel: any Channel
    let handler: NIOLoopBound<BenchConnection>

    func start(
      from start: NIODeadline, in window: BenchWindow, exhausted: @escaping @Sendable () -> Void
    ) {
      channel.eventLoop.execute {
        guard
          let context = try? channel.pipeline.syncOperations.context(handler: handler.value)
        else { return exhausted() }
        handler.value.run(from: start, in: window, context, exhausted: exhausted)
      }
    }

    func finish() throws -> (tally: BenchTally, cards: BenchCards) {
      try channel.eventLoop.submit { handler.value.finish() }.wait()
    }
  }

  private func connect(
    _ requests: BenchRequests, _ context: NIOSSLContext, interval: TimeAmount?,
    on loop: any EventLoop
  ) throws -> Connection {
    let ready = loop.makePromise(of: Void.self)
    let limit = loop.scheduleTask(in: .seconds(Self.connectLimitSeconds)) {
      ready.fail(DevelopmentError.connection("the server does not answer a handshake"))
    }
    let handler = try loop.submit {
      NIOLoopBound(BenchConnection(requests, interval: interval), eventLoop: loop)
    }.wait()
    let channel = try HTTPSClient.connect(to: plan.endpoint, context, on: loop) { pipeline in
      try pipeline.addHandlers([HandshakeWatcher(ready), handler.value])
    }.wait()
    try ready.futureResult.wait()
    limit.cancel()
    return Connection(channel: channel, handler: handler)
  }
}
