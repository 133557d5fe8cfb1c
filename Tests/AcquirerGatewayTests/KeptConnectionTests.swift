import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Tokenization

@testable import AcquirerGateway

/// Connections between messages: kept, looked at, and given up.
extension GatewayTests {
  static func approved(_ transaction: String, head: String = "") -> String {
    let body = #"{"status":"APPROVED","id":"\#(transaction)"}"#
    return "HTTP/1.1 200 OK\r\n\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  static let chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + "8\r\n{\"status\r\nd\r\n\":\"APPROVED\"}\r\n0\r\n\r\n"

  /// A gateway with one event loop, so that each message meets the connection of the one before.
  private func withBank(
    _ manners: [TestAcquirer.Manner], isIdempotent: Bool = false,
    limits: GatewayLimits = GatewayTests.generous,
    _ body: (TestAcquirer, AcquirerRoutes, any EventLoop) async throws -> Void
  ) async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(manners, tls: tls)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let routes = try gateway(
      port: acquirer.port, isIdempotent: isIdempotent, limits: limits, group: group)
    try await body(acquirer, routes, group.any())
    try await routes.gateway.shutdown(within: .nanoseconds(1)).get()
    try await group.shutdownGracefully()
    try await acquirer.close()
  }

  private func counts(_ routes: AcquirerRoutes) -> ConnectionCounts {
    routes.gateway.connections["bank"] ?? ConnectionCounts()
  }

  /// Sends while the event loop has seen nothing of what the acquirer did after its last answer.
  ///
  /// - Parameter finished: how many messages the acquirer has to be through with.
  private func sendUnseen(
    through routes: AcquirerRoutes, on loop: any EventLoop, _ acquirer: TestAcquirer,
    finished: Int
  ) async throws -> String {
    let payment = try Fixture.payment(amount: nil, reference: nil)
    let card = try Fixture.card()
    let place = try routes.takePlace(at: "bank", for: Fixture.merchant())
    return await withCheckedContinuation { continuation in
      loop.execute {
        while acquirer.finished < finished { sched_yield() }
        place.send(payment, card: card, identifier: Fixture.identifier) {
          continuation.resume(returning: describe($0))
        }
      }
    }
  }

  @Test(arguments: [Self.approved("T1"), Self.chunked])
  func `a connection serves one message after the other`(answer: String) async throws {
    try await withBank([.answer(answer)]) { acquirer, routes, _ async throws in
      for _ in 0..<20 { #expect(try await send(through: routes).hasPrefix("approved")) }
      #expect(acquirer.connections == 1)
      #expect(acquirer.received.count == 20)
      #expect(counts(routes).opened == 1 && counts(routes).reused == 19)
    }
  }

  /// A killed process ends its connections between two messages; the socket knows it first.
  @Test func `a connection that the acquirer closed is seen before it is written to`() async throws
  {
    try await withBank([.answerAndDie(Self.approved("T1"))]) {
      acquirer, routes, loop async throws in
      for message in 0..<1_000 {
        let outcome = try await sendUnseen(
          through: routes, on: loop, acquirer, finished: message)
        #expect(outcome == "approved transaction=T1")
      }
      #expect(routes.gateway.counts["bank"]?.unknown == 0)
      #expect(acquirer.connections == 1_000 && acquirer.received.count == 1_000)
    }
  }

  @Test func `a surplus answer is never the next one's, read together or later`() async throws {
    let together = Self.approved("T1") + Self.approved("X1")
    let manners: [TestAcquirer.Manner] = [
      .answer(together), .answerTwice(Self.approved("T2"), Self.approved("X2")),
      .answer(Self.approved("T3")), .answer(Self.approved("T4") + "HTTP/1."),
      .answer(Self.approved("T5") + "\r\n"), .answer(Self.chunked + "\r\n"),
      .answer(Self.approved("T6")),
    ]
    try await withBank(manners) { acquirer, routes, loop async throws in
      var outcomes: [String] = []
      for message in 0..<manners.count {
        outcomes.append(
          try await sendUnseen(through: routes, on: loop, acquirer, finished: message))
      }
      #expect(
        outcomes == [
          "approved transaction=T1", "approved transaction=T2", "approved transaction=T3",
          "approved transaction=T4", "approved transaction=T5", "approved",
          "approved transaction=T6",
        ])
      // T3's alone was clean, and T4 came on it.
      #expect(acquirer.connections == 6)
      while counts(routes).closed[.surplus] != 5 || counts(routes).idle != 1 { await Task.yield() }
      #expect(counts(routes).closed == [.surplus: 5])
      #expect(counts(routes).open == 1 && counts(routes).idle == 1)
    }
  }

  @Test(
    arguments: [
      (Self.approved("T1", head: "Connection: close\r\n"), ConnectionEnd.asked),
      (Self.approved("T1").replacing("HTTP/1.1", with: "HTTP/1.0"), .asked),
      (
        Self.approved("T1", head: "Connection: keep-alive\r\n")
          .replacing("HTTP/1.1", with: "HTTP/1.0"), .asked
      ),
      (Self.approved("T1", head: "Keep-Alive: timeout=60, max=0\r\n"), .messages),
      (Self.approved("T1", head: "Keep-Alive: timeout=1\r\n"), .idle),
    ])
  func `what the acquirer says of its connection is heeded`(
    answer: String, end: ConnectionEnd
  ) async throws {
    try await withBank([.answer(answer)]) { acquirer, routes, _ async throws in
      for _ in 0..<3 { #expect(try await send(through: routes) == "approved transaction=T1") }
      #expect(acquirer.connections == 3)
      #expect(counts(routes).closed[end, default: 0] >= 2 && counts(routes).reused == 0)
    }
  }

  @Test func `without any kept each message has a connection of its own`() async throws {
    var limits = Self.generous
    limits.connectionsKept = 0
    limits.connectionsWarm = 4
    try await withBank([.answer(Self.approved("T1"))], limits: limits) {
      acquirer, routes, _ async throws in
      routes.gateway.putInForce(routes)
      for _ in 0..<3 { #expect(try await send(through: routes) == "approved transaction=T1") }
      #expect(acquirer.connections == 3)
      while counts(routes).open > 0 { await Task.yield() }
      #expect(counts(routes).closed == [.spare: 3])
    }
  }

  // MARK: - Sent once more

  @Test(
    arguments: [
      ([.closeAfter(""), .answer(Self.approved("T2"))], true, "approved transaction=T2", 3),
      ([.closeAfter(""), .answer(Self.approved("T2"))], false, "unknown connection-closed", 2),
      ([.closeAfter(""), .closeAfter("")], true, "unknown connection-closed", 3),
      ([.closeAfter("H"), .answer(Self.approved("T2"))], true, "unknown connection-closed", 2),
      ([.answer("SSH-2.0"), .answer(Self.approved("T2"))], true, "unknown not-http", 2),
      ([.answer(Self.answer("{}")), .answer(Self.approved("T2"))], true, "unknown unmapped", 2),
    ] as [([TestAcquirer.Manner], Bool, String, Int)])
  func `a message that a kept connection lost is sent again where the acquirer knows it again`(
    manners: [TestAcquirer.Manner], isIdempotent: Bool, expected: String, count: Int
  ) async throws {
    let first = [TestAcquirer.Manner.answer(Self.approved("T1"))]
    try await withBank(first + manners, isIdempotent: isIdempotent) {
      acquirer, routes, _ async throws in
      #expect(try await send(through: routes) == "approved transaction=T1")
      #expect(try await send(through: routes) == expected)
      #expect(acquirer.received.count == count)
      // Byte for byte.
      #expect(Set(acquirer.received).count == 1)
      #expect(counts(routes).repeated == count - 2)
    }
  }

  @Test func `a message is not sent again after a fresh connection or a time-out`() async throws {
    try await withBank([.closeAfter("")], isIdempotent: true) { acquirer, routes, _ async throws in
      #expect(try await send(through: routes) == "unknown connection-closed")
      #expect(acquirer.received.count == 1)
    }
    var limits = Self.generous
    limits.answerTime = .milliseconds(300)
    let manners = [TestAcquirer.Manner.answer(Self.approved("T1")), .neverAnswer]
    try await withBank(manners, isIdempotent: true, limits: limits) {
      acquirer, routes, _ async throws in
      #expect(try await send(through: routes) == "approved transaction=T1")
      #expect(try await send(through: routes) == "unknown answer-timeout")
      #expect(acquirer.received.count == 2)
      #expect(counts(routes).closed == [.message: 1])
    }
  }

  // MARK: - Warm ones, reload, stop

  @Test func `warm connections are there before the first message`() async throws {
    var limits = Self.generous
    limits.connectionsWarm = 2
    try await withBank([.answer(Self.approved("T1"))], limits: limits) {
      acquirer, routes, _ async throws in
      routes.gateway.putInForce(routes)
      while counts(routes).idle < 2 { await Task.yield() }
      #expect(acquirer.received.isEmpty)
      #expect(try await send(through: routes) == "approved transaction=T1")
      #expect(counts(routes).reused == 1 && counts(routes).opened == 2)
    }
  }

  @Test func `a warm connection that the acquirer uses up is replaced`() async throws {
    var limits = Self.generous
    limits.connectionsWarm = 1
    let answer = Self.approved("T1", head: "Connection: close\r\n")
    try await withBank([.answer(answer)], limits: limits) { acquirer, routes, _ async throws in
      routes.gateway.putInForce(routes)
      for opened in 1...5 {
        while counts(routes).idle < 1 { await Task.yield() }
        #expect(counts(routes).opened == opened)
        #expect(try await send(through: routes) == "approved transaction=T1")
      }
      #expect(counts(routes).reused == 5)
    }
  }

  @Test func `where nobody listens a warm connection is not tried again at once`() async throws {
    let silent = try SilentPort()
    var limits = Self.generous
    limits.connectionsWarm = 4
    let routes = try gateway(port: silent.port, limits: limits)
    let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator()).count
    let begin = ContinuousClock.now
    routes.gateway.putInForce(routes)
    while counts(routes).failed < 1 { await Task.yield() }
    let failed = counts(routes).failed
    // One for each event loop, and the next half a second later at the earliest.
    let waits = Int((ContinuousClock.now - begin) / .milliseconds(500))
    #expect(failed <= loops * (waits + 1))
    #expect(counts(routes).lastFailure == "connect-failed")
    try await routes.gateway.shutdown(within: .nanoseconds(1)).get()
  }

  @Test func `a reload closes what is idle, and lets end what is under way`() async throws {
    let gate = AsyncStream.makeStream(of: Void.self)
    let opened = Task { for await _ in gate.stream { break } }
    let manners: [TestAcquirer.Manner] = [
      .answer(Self.approved("T1")), .answerAfter(Self.approved("T2"), opened),
      .answer(Self.approved("T3")), .answer(Self.approved("T4")),
    ]
    try await withBank(manners) { acquirer, routes, loop async throws in
      #expect(try await send(through: routes) == "approved transaction=T1")
      async let running = send(through: routes)
      while acquirer.received.count < 2 { await Task.yield() }
      let next = AcquirerRoutes(routes.definitions.map { $0.value }, over: routes.gateway)
      routes.gateway.putInForce(next)
      #expect(try await send(through: next) == "approved transaction=T3")
      gate.continuation.finish()
      #expect(try await running == "approved transaction=T2")
      while counts(routes).closed[.reload] != 1 { await Task.yield() }
      #expect(try await send(through: next) == "approved transaction=T4")
      #expect(acquirer.connections == 2)
    }
  }

  @Test func `a stop closes what is idle`() async throws {
    try await withBank([.answer(Self.approved("T1"))]) { _, routes, _ async throws in
      #expect(try await send(through: routes) == "approved transaction=T1")
      try await routes.gateway.shutdown(within: .nanoseconds(1)).get()
      while counts(routes).open > 0 { await Task.yield() }
      #expect(counts(routes).closed == [.shutdown: 1])
    }
  }
}
