import NIOCore
import TestNetwork
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Deadlines, limits and stopping", .timeLimit(.minutes(30)))
struct LifecycleTests {
  /// Limits that pass soon, one of them sooner than the others.
  private func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
    var limits = ServerLimits.patient
    change(&limits)
    return limits
  }

  @Test func `a header that does not end is cut off, however busy its client is`() async throws {
    try await withServer(limits: limits { $0.header = .milliseconds(300) }) { server in
      let client = try await server.connect()
      try await client.send("POST /v1/tokens HTTP/1.1\r\nX: ")
      // Each byte would put an idle time-out off.
      await #expect(throws: (any Error).self) {
        for _ in 0..<1_000_000 { try await client.send("x") }
      }
      await client.closed()
      let timedOut = server.server.counters.count(.requestsTimedOut)
      let tooLarge = server.server.counters.answers.filter { $0.status == 431 }.count
      #expect(timedOut == 1 || tooLarge == 1)
    }
  }

  @Test func `a header that stops is cut off`() async throws {
    try await withServer(limits: limits { $0.header = .milliseconds(100) }) { server in
      let client = try await server.connect()
      try await client.send("POST /v1/tokens HTTP/1.1\r\n")
      await client.closed()
      #expect(client.rest == "")
      #expect(server.server.counters.count(.requestsTimedOut) == 1)
    }
  }

  @Test func `a body that stops is cut off`() async throws {
    try await withServer(limits: limits { $0.body = .milliseconds(100) }) { server in
      let client = try await server.connect()
      try await client.send(String(tokenizeRequest().dropLast(5)))
      await client.closed()
      #expect(client.rest == "")
      #expect(server.server.counters.count(.requestsTimedOut) == 1)
      #expect(server.service.calls == [])
    }
  }

  @Test func `an idle connection is closed`() async throws {
    try await withServer(limits: limits { $0.idle = .seconds(1) }) { server in
      // A machine that is slow for so long closes one before its request has come.
      var answered: RawClient?
      while answered == nil {
        let client = try await server.connect()
        if (try? await client.exchange(tokenizeRequest()).status) == 201 { answered = client }
      }
      await answered?.closed()
      #expect(server.server.counters.count(.idleTimedOut) >= 1)
    }
  }

  /// A client whose request the service has taken up, which is held. A machine that is slow for longer
  /// than the limits closes some before their request has come.
  private func busyClient(of server: TestServer) async throws -> RawClient {
    while true {
      let client = try await server.connect()
      try? await client.send(tokenizeRequest())
      let (events, event) = AsyncStream.makeStream(of: Bool.self)
      Task {
        await server.service.called(times: 1)
        event.yield(true)
      }
      Task {
        await client.ended()
        event.yield(false)
      }
      for await isCalled in events {
        if isCalled { return client }
        break
      }
    }
  }

  @Test func `a request that the vault works on has no deadline`() async throws {
    let short = limits {
      $0.idle = .seconds(5)
      $0.header = .seconds(5)
      $0.body = .seconds(5)
    }
    try await withServer(limits: short) { server in
      server.service.hold()
      let busy = try await busyClient(of: server)
      // Another connection tells when the deadline would have passed.
      let idle = try await server.connect()
      await idle.closed()
      server.service.release()
      #expect(try await busy.answer().status == 201)
    }
  }

  @Test func `a connection that never speaks TLS is cut off`() async throws {
    try await withServer(limits: limits { $0.handshake = .milliseconds(100) }) { server in
      let client = try await PlainClient(port: server.server.port)
      await client.closed()
      #expect(server.server.counters.count(.handshakesTimedOut) == 1)
      await client.end()
    }
  }

  @Test func `connections above the limit are closed and counted, and a place becomes free again`()
    async throws
  {
    try await withServer(limits: limits { $0.connections.total = 2 }) { server in
      let first = try await server.connect()
      let second = try await server.connect()
      #expect(try await first.exchange(tokenizeRequest()).status == 201)
      #expect(try await second.exchange(tokenizeRequest()).status == 201)
      await #expect(throws: (any Error).self) {
        let third = try await server.connect()
        _ = try await third.exchange(tokenizeRequest())
      }
      #expect(server.server.counters.count(.connectionsOverLimit) == 1)
      #expect(server.server.counters.connectionsOpen == 2)
      await first.close()
      var status = 0
      while status != 201 {
        guard let client = try? await server.connect() else { continue }
        status = (try? await client.exchange(tokenizeRequest()).status) ?? 0
      }
    }
  }

  @Test func `a stop answers what was accepted, and closes what is idle`() async throws {
    try await withServer { server in
      let waiting = try await server.connect()
      // Sent with a whole request, so that its answer says that both have arrived.
      #expect(try await waiting.exchange(tokenizeRequest() + "POST /v1/tok").status == 201)
      let idle = try await server.connect()
      server.service.hold()
      let busy = try await server.connect()
      try await busy.send(tokenizeRequest())
      await server.service.called(times: 2)
      async let stopped = server.server.stop(within: .minutes(5))
      await idle.closed()
      // A request that was begun is told to go elsewhere.
      try await waiting.send("ens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
      let refused = try await waiting.answer()
      #expect(refused.status == 503)
      #expect(refused.problem == "shutting-down")
      #expect(refused.fields["retry-after"] == "1")
      await waiting.closed()
      server.service.release()
      let answer = try await busy.answer()
      #expect(answer.status == 201)
      #expect(answer.fields["connection"] == "close")
      await busy.closed()
      #expect(await stopped)
      // Whether something listens on the port cannot be asked: another server may have it by now.
      #expect(server.server.counters.connectionsOpen == 0)
    }
  }

  @Test func `a stop does not wait beyond its deadline`() async throws {
    try await withServer { server in
      server.service.hold()
      let busy = try await server.connect()
      try await busy.send(tokenizeRequest())
      await server.service.called(times: 1)
      #expect(await !server.server.stop(within: .milliseconds(100)))
      await busy.closed()
      server.service.release()
    }
  }

  @Test func `a stop does not wait for who says nothing, half a handshake, or no farewell`()
    async throws
  {
    try await withServer { server in
      let strangers = BareConnections(port: server.server.port)
      try await strangers.open(2)
      try await strangers.open(1, saying: [22, 3, 1, 0, 200, 1])
      let mute = try await server.connect()
      #expect(try await mute.exchange(tokenizeRequest()).status == 201)
      try await mute.stopReading()
      await server.counted(.connectionsAccepted, 4)
      // TLS by itself waits for five seconds.
      #expect(await server.server.stop(within: .seconds(4)))
      #expect(server.server.counters.connectionsOpen == 0)
      await strangers.end()
    }
  }
}
