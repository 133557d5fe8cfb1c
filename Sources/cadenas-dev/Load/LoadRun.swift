import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Opens the connections, lets them run together, and gathers what they saw.
struct LoadRun {
  /// How long all connections together may take to open, in seconds.
  static let connectLimitSeconds: Int64 = 30

  private let plan: LoadPlan
  private let context: NIOSSLContext

  /// A run against the vault of `plan`, as the client `name` of `material`.
  init(
    _ plan: LoadPlan, as name: String, of material: TLSMaterial
  ) throws(DevelopmentError) {
    self.plan = plan
    context = try material.client(name, trusting: "ca")
  }

  /// Runs to the end.
  func run() throws -> LoadReport {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
    defer { try? group.syncShutdownGracefully() }
    let firstCard = TestCardNumbers.randomStart()
    let connections = try (0..<plan.connections).map { index in
      try connect(index, on: group.next(), firstCard: firstCard)
    }

    let start = NIODeadline.now() + .milliseconds(50)
    let measuredFrom = start + plan.warmUp
    let until = measuredFrom + plan.measured
    for (index, connection) in connections.enumerated() {
      // With a rate, connections take turns instead of starting together.
      let share = (plan.interval?.nanoseconds ?? 0) * Int64(index) / Int64(plan.connections)
      let own = start + .nanoseconds(share)
      connection.start(from: own, measuredFrom: measuredFrom, until: until)
    }
    let clock = group.next()
    try clock.scheduleTask(deadline: measuredFrom) {}.futureResult.wait()
    let before = Self.processorSeconds()
    try clock.scheduleTask(deadline: until) {}.futureResult.wait()
    let used = Self.processorSeconds() - before
    var tally = LoadTally()
    for connection in connections { tally.add(try connection.finish()) }
    return LoadReport(plan: plan, tally: tally, processorSeconds: used)
  }

  /// One open connection, and the way to its handler.
  private struct Connection {
    let channel: any Channel
    let handler: NIOLoopBound<LoadConnection>

    func start(from start: NIODeadline, measuredFrom: NIODeadline, until: NIODeadline) {
      channel.eventLoop.execute {
        guard
          let context = try? channel.pipeline.syncOperations.context(handler: handler.value)
        else { return }
        handler.value.run(from: start, measuredFrom: measuredFrom, until: until, context)
      }
    }

    func finish() throws -> LoadTally {
      try channel.eventLoop.submit { handler.value.finish() }.wait()
    }
  }

  private func connect(
    _ index: Int, on loop: any EventLoop, firstCard: Int
  ) throws -> Connection {
    let ready = loop.makePromise(of: Void.self)
    let limit = loop.scheduleTask(in: .seconds(Self.connectLimitSeconds)) {
      ready.fail(DevelopmentError.connection("the vault does not answer a handshake"))
    }
    let made = loop.submit { [plan] in
      let requests = LoadRequests(plan, connection: index, firstCard: firstCard)
      let handler = LoadConnection(plan, requests: requests, ready: ready)
      return NIOLoopBound(handler, eventLoop: loop)
    }
    let handler = try made.wait()
    let channel = try ClientBootstrap(group: loop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { [context] channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: "localhost"))
          try pipeline.addHandler(handler.value)
        }
      }
      .connect(host: plan.endpoint.host, port: plan.endpoint.port).wait()
    try ready.futureResult.wait()
    limit.cancel()
    return Connection(channel: channel, handler: handler)
  }

  /// The processor time that this process has used, in seconds.
  private static func processorSeconds() -> Double {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return Double(seconds) + Double(microseconds) / 1e6
  }
}
